"""Brings a database to the newest schema, one process at a time, and refuses one that is newer than this program.

Each migration is a transaction of its own, so that an index can be built between two of them while the tables are in use.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError, ProgrammingError

from calling_pipeline.database.engine import reachable
from calling_pipeline.database.locks import lock_key
from calling_pipeline.errors import Busy, ConfigurationError

LOCK_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 300
Standing = Literal["empty", "older", "current", "newer"]
_FOLDER = Path(__file__).parent / "migrations"
_ASK_AGAIN_S = 0.1
_TRY_LOCK = sa.text("SELECT pg_try_advisory_lock(:key)")


def newest_revision() -> str:
    """The revision this program was written for."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the database, None before its first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: sa.Engine) -> tuple[str | None, str]:
    """Migrate to the newest revision; returns the revisions before and after.

    What a migration that fails had done is undone; those before it stay. Raises `ConfigurationError` when the schema is
    newer than the program or the role may not create tables, `Busy` when a lock is not had within ten seconds.
    """
    with _migrating(engine) as connection:
        before = current_revision(connection)
        _refuse_unknown(before)
        connection.rollback()
        command.upgrade(_configuration(connection), "head")
    return before, newest_revision()


def downgrade(engine: sa.Engine, revision: str) -> tuple[str | None, str]:
    """Go back to an earlier `revision`, for a return to the program before; returns the revisions before and after.

    Raises what `upgrade` raises, and `ConfigurationError` for a revision that this program does not know.
    """
    if revision not in _known_revisions():
        raise ConfigurationError(f"this program does not know the revision {revision}; it knows {_known_revisions()}")
    with _migrating(engine) as connection:
        before = current_revision(connection)
        _refuse_unknown(before)
        connection.rollback()
        command.downgrade(_configuration(connection), revision)
    return before, revision


def standing(connection: sa.Connection) -> tuple[str | None, Standing]:
    """The revision of the database, and how it stands to this program; cheap enough to be asked every few seconds."""
    revision, newest = current_revision(connection), _own_newest()
    if revision is None:
        return None, "empty"
    return revision, "current" if revision == newest else "older" if revision < newest else "newer"


def require_current(connection: sa.Connection) -> None:
    """Raise `ConfigurationError` unless the database has the revision this program was written for."""
    revision = current_revision(connection)
    _refuse_unknown(revision)
    if revision != newest_revision():
        raise ConfigurationError("the database schema is older than this program; run `calling-pipeline migrate`")


@contextmanager
def _migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection of its own with time-outs and the lock of migrations, closed afterwards; errors as plain sentences."""
    with reachable(engine) as connection:
        try:
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
            connection.exec_driver_sql(f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
            connection.commit()
            _take_turn(connection)
            yield connection
        except ProgrammingError as error:
            if "permission denied" not in str(error.orig):
                raise
            raise ConfigurationError(
                f"the database role may not create tables ({str(error.orig).splitlines()[0]}); grant it CREATE on the schema"
            ) from error
        except OperationalError as error:
            if "lock timeout" not in str(error.orig):
                raise
            raise _busy() from error
        finally:
            connection.invalidate()  # closed and not used again: its time-outs and its lock end with it


def _take_turn(connection: sa.Connection) -> None:
    """Hold the lock of migrations until the connection ends.

    It asks again and again instead of waiting in the database: whoever waits there has a transaction open, and an index
    that the other process builds concurrently would wait for that transaction, each for the other.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while not connection.execute(_TRY_LOCK, {"key": lock_key("schema migration")}).scalar_one():
        connection.rollback()
        if time.monotonic() > deadline:
            raise _busy()
        time.sleep(_ASK_AGAIN_S)
    connection.commit()


def _busy() -> Busy:
    return Busy("another session holds a lock the migration needs; end it or try again when it is done")


def _refuse_unknown(revision: str | None) -> None:
    known = _known_revisions()
    if revision is None or revision in known:
        return
    if revision < known[0]:
        raise ConfigurationError(
            f"the database schema ({revision}) is of a version before the first release; this program begins at {known[0]}"
        )
    raise ConfigurationError(
        f"the database schema ({revision}) is newer than this program (up to {newest_revision()}); upgrade the program"
    )


@cache
def _own_newest() -> str:
    return newest_revision()


def _known_revisions() -> list[str]:
    return sorted(script.revision for script in _scripts().walk_revisions())


def _configuration(connection: sa.Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_FOLDER))
    configuration.attributes["connection"] = connection
    return configuration


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))
