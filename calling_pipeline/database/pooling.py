"""Whether the business database is reached in a way that works: directly, or through a pooler that leaves sessions alone.

A pooler such as PgBouncer gives a client the pid of no server process, in session and in transaction mode alike; PostgreSQL
itself names the process that serves. So one look at a connection shows a pooler, whatever it is called.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from calling_pipeline.database import locks
from calling_pipeline.database.engine import ZONE, direct_url, driver_connection, reachable
from calling_pipeline.errors import ConfigurationError

_LOOK = sa.text("SELECT pg_backend_pid() AS process, current_setting('TimeZone') AS zone, current_user AS role")
_NO_DIRECT = (
    "CALLING_DATABASE_URL leads through a connection pooler: set CALLING_DATABASE_DIRECT_URL to the address of PostgreSQL"
    " itself, for migrations and for locks that last as long as a process"
)
_DIRECT_POOLED = "CALLING_DATABASE_DIRECT_URL leads through a pooler too; let it name PostgreSQL itself"
_OTHER = "CALLING_DATABASE_DIRECT_URL and CALLING_DATABASE_URL lead to different databases; let both name the same one"
_ZONE = (
    "sessions of CALLING_DATABASE_URL are in the time zone {zone}, because the pooler leaves out what a session asks for:"
    " run ALTER ROLE {role} SET timezone TO '" + ZONE + "' and reconnect the pooler"
)


def require_sessions(engine: sa.Engine) -> None:
    """Raise a `ConfigurationError` that names what to set, unless the sessions are what the program works with."""
    direct = direct_url(engine)
    pooled = direct != engine.url
    with reachable(engine) as connection:
        through_pooler = _look(connection)
    if through_pooler and not pooled:
        raise ConfigurationError(_NO_DIRECT)
    if pooled:
        _require_the_same(engine, direct)


def _look(connection: sa.Connection) -> bool:
    """Whether a pooler stands between; raises `ConfigurationError` when the session's time zone is another."""
    seen = connection.execute(_LOOK).one()
    through_pooler = bool(driver_connection(connection).pgconn.backend_pid != seen.process)
    if seen.zone != ZONE:
        raise ConfigurationError(_ZONE.format(zone=seen.zone, role=seen.role))
    return through_pooler


def _require_the_same(engine: sa.Engine, direct: sa.URL) -> None:
    """A lock that is taken directly is seen through the pooler: the two are one database."""
    own = sa.create_engine(direct, poolclass=sa.NullPool, hide_parameters=True, connect_args={"connect_timeout": 10})
    name = ("one database", uuid.uuid4().hex)
    with reachable(own) as connection, connection.begin():
        if driver_connection(connection).pgconn.backend_pid != connection.execute(_LOOK).one().process:
            raise ConfigurationError(_DIRECT_POOLED)
        locks.hold(connection, *name)
        with reachable(engine) as pooled:
            if not locks.is_held(pooled, *name):
                raise ConfigurationError(_OTHER)
