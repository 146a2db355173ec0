"""Brings a database to the newest schema, once at a time, and refuses one that is newer than this program."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError, ProgrammingError

from calling_pipeline.database import locks
from calling_pipeline.database.engine import reachable
from calling_pipeline.errors import Busy, ConfigurationError

LOCK_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 300
_FOLDER = Path(__file__).parent / "migrations"


def newest_revision() -> str:
    """The revision this program was written for."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the database, None before its first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: sa.Engine) -> tuple[str | None, str]:
    """Migrate to the newest revision in one transaction; returns the revisions before and after.

    Raises `ConfigurationError` when the schema is newer than the program or the role may not create tables, `Busy`
    when a lock is not had within ten seconds.
    """
    with reachable(engine) as connection:
        try:
            with connection.begin():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
                locks.hold(connection, "schema migration")
                before = current_revision(connection)
                _refuse_newer(before)
                configuration = Config()
                configuration.set_main_option("script_location", str(_FOLDER))
                configuration.attributes["connection"] = connection
                command.upgrade(configuration, "head")
        except ProgrammingError as error:
            if "permission denied" not in str(error.orig):
                raise
            raise ConfigurationError(
                f"the database role may not create tables ({str(error.orig).splitlines()[0]}); grant it CREATE on the schema"
            ) from error
        except OperationalError as error:
            if "lock timeout" not in str(error.orig):
                raise
            raise Busy("another session holds a lock the migration needs; end it or try again when it is done") from error
    return before, newest_revision()


def require_current(connection: sa.Connection) -> None:
    """Raise `ConfigurationError` unless the database has the revision this program was written for."""
    revision = current_revision(connection)
    _refuse_newer(revision)
    if revision != newest_revision():
        raise ConfigurationError("the database schema is older than this program; run `calling-pipeline migrate`")


def _refuse_newer(revision: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise ConfigurationError(
            f"the database schema ({revision}) is newer than this program (up to {newest_revision()}); upgrade the program"
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))
