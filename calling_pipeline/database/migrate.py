"""Brings a database to the newest schema, one process at a time, and refuses one that is newer than this program.

Each migration is a transaction of its own, so that an index can be built between two of them while the tables are in use.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.exc import OperationalError, ProgrammingError

from calling_pipeline.database.engine import SESSION_OPTIONS, direct_url, reachable
from calling_pipeline.database.locks import lock_key
from calling_pipeline.database.revisions import (
    current_revision,
    keep_runs_with,
    known_revisions,
    newest_revision,
    refuse_unknown,
    runs_on,
)
from calling_pipeline.errors import Busy, ConfigurationError

LOCK_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 300
_FOLDER = Path(__file__).parent / "migrations"
_ASK_AGAIN_S = 0.1
_SESSION = {"options": SESSION_OPTIONS, "application_name": "calling_pipeline migrate", "connect_timeout": 10}
_TRY_LOCK = sa.text("SELECT pg_try_advisory_lock(:key)")


def upgrade(engine: sa.Engine) -> tuple[str | None, str]:
    """Migrate to the newest revision; returns the revisions before and after.

    What a migration that fails had done is undone; those before it stay. A schema that is newer than the program, and on
    which it runs, stays. Raises `ConfigurationError` when the schema is
    newer than the program or the role may not create tables, `Busy` when a lock is not had within ten seconds.
    """
    with _migrating(engine) as connection:
        before = current_revision(connection)
        if runs_on(connection):
            return before, before or ""
        refuse_unknown(before)
        connection.rollback()
        command.upgrade(_configuration(connection), "head")
    return before, newest_revision()


def downgrade(engine: sa.Engine, revision: str) -> tuple[str | None, str]:
    """Go back to an earlier `revision`, for a return to the program before; returns the revisions before and after.

    Raises what `upgrade` raises, and `ConfigurationError` for a revision that this program does not know.
    """
    if revision not in known_revisions():
        raise ConfigurationError(f"this program does not know the revision {revision}; it knows {known_revisions()}")
    with _migrating(engine) as connection:
        before = current_revision(connection)
        refuse_unknown(before)
        connection.rollback()
        command.downgrade(_configuration(connection), revision)
    return before, revision


@contextmanager
def _migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection of its own with time-outs and the lock of migrations, closed afterwards; errors as plain sentences."""
    own = sa.create_engine(direct_url(engine), poolclass=sa.NullPool, hide_parameters=True, connect_args=_SESSION)
    with reachable(own) as connection:
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


def _keep_older_programs(*, ctx: MigrationContext, heads: Iterable[str], **_: object) -> None:
    """Note which older programs run on the schema: back to the first migration that they do not know of.

    Alembic calls it within the transaction of each migration: an older program that starts between two of them, or after one
    that failed, is not refused by a schema on which it runs.
    """
    assert ctx.connection is not None
    assert ctx.script is not None
    for revision in heads:
        older: list[str] = []
        script = ctx.script.get_revision(revision)
        while script.module.PREVIOUS_VERSION_RUNS and script.down_revision is not None:
            script = ctx.script.get_revision(str(script.down_revision))
            older.append(script.revision)
        keep_runs_with(ctx.connection, older)


def _busy() -> Busy:
    return Busy("another session holds a lock the migration needs; end it or try again when it is done")


def _configuration(connection: sa.Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_FOLDER))
    configuration.attributes["connection"] = connection
    configuration.attributes["applied"] = _keep_older_programs
    return configuration
