"""Engines and connections of the business database: psycopg 3 under SQLAlchemy, sessions in Asia/Shanghai."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

from calling_pipeline.database import private_errors  # noqa: F401 - from here on errors repeat no data
from calling_pipeline.errors import ConfigurationError, DatabaseUnavailable

ZONE = "Asia/Shanghai"
SESSION_OPTIONS = f"-c timezone={ZONE}"
_REFUSED_OPTIONS = (
    "the pooler at {where} refuses the time zone of a session: write"
    " `ignore_startup_parameters = extra_float_digits, options` in its pgbouncer.ini,"
    " and give the role its zone: ALTER ROLE {user} SET timezone TO 'Asia/Shanghai'"
)
_BY_STATEMENT = "the pooler at {where} pools by statement; set its pool_mode to transaction or session"
_DIRECT = "calling_direct_url"
_LIMIT = re.compile(r"-c (\w+_timeout)=(\d+)")
_DIALECT: Dialect = psycopg_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it


def business_url(text: str, setting: str = "CALLING_DATABASE_URL") -> URL:
    """A `postgresql://` URL with the psycopg 3 driver named; `ConfigurationError` for any other database."""
    return _with_driver(text, "postgresql+psycopg", setting)


def dagster_url(text: str) -> URL:
    """The same for Dagster's storage, which works with psycopg2 only (its webserver closes psycopg 3 connections).

    Its sessions are in UTC: Dagster writes the database's local time into columns that it reads as UTC.
    """
    url = _with_driver(text, "postgresql+psycopg2", "CALLING_DAGSTER_DATABASE_URL")
    options = url.query.get("options", "")
    given = options if isinstance(options, str) else " ".join(options)
    return url if "timezone" in given.lower() else url.update_query_dict({"options": f"{given} -c timezone=UTC".strip()})


def _with_driver(text: str, drivername: str, setting: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigurationError(f"{setting} is not a PostgreSQL address; write postgresql://user:password@host:5432/name")
    return url.set(drivername=drivername)


def session_limits(statement_s: float, lock_s: float) -> str:
    """Options of a session whose statements, and waits for a lock, end after so many seconds."""
    return f"{SESSION_OPTIONS} -c statement_timeout={int(statement_s * 1000)} -c lock_timeout={int(lock_s * 1000)}"


def make_engine(
    url: URL,
    *,
    pool_size: int = 5,
    max_overflow: int = 15,
    application: str = "calling_pipeline",
    options: str = SESSION_OPTIONS,
    direct: URL | None = None,
) -> sa.Engine:
    """An engine that opens no connection until it is used. `options` are those of its sessions.

    With `direct`, the server's own address, `url` leads through a pooler (PgBouncer): its sessions prepare no statement
    and set nothing but the time zone, and time limits hold for each transaction.
    """
    connect_args: dict[str, object] = {"options": options, "application_name": application, "connect_timeout": 10}
    if direct is not None:
        connect_args |= {"options": SESSION_OPTIONS, "prepare_threshold": None}
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=connect_args,
        execution_options={_DIRECT: direct} if direct is not None else {},
    )
    if direct is not None and (limits := _LIMIT.findall(options)):
        local = "; ".join(f"SET LOCAL {name} = {value}" for name, value in limits)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(local))
    return engine


def direct_url(engine: sa.Engine) -> URL:
    """The server's own address: for what lasts as long as its session, which no pooler keeps."""
    direct = engine.get_execution_options().get(_DIRECT, engine.url)
    assert isinstance(direct, URL)
    return direct


@contextmanager
def reachable(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection without a transaction begun; `DatabaseUnavailable` with a plain sentence when there is none."""
    try:
        connection = engine.connect()
    except (OperationalError, InterfaceError) as error:
        where = engine.url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
        if "statement pooling" in reason:
            raise ConfigurationError(_BY_STATEMENT.format(where=where)) from None
        if "startup parameter" in reason:
            raise ConfigurationError(_REFUSED_OPTIONS.format(where=where, user=engine.url.username)) from None
        raise DatabaseUnavailable(f"PostgreSQL at {where} cannot be reached: {reason}") from error
    with connection:
        yield connection


def driver_connection(connection: sa.Connection) -> psycopg.Connection[tuple[object, ...]]:
    """The psycopg connection below, within the same transaction: for COPY, pipelines and hot paths."""
    if not connection.in_transaction():
        connection.begin()  # or SQLAlchemy, which has seen no statement, would take commit() for a no-op
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def driver_sql(statement: sa.ClauseElement) -> str:
    """A named statement of a store in the driver's own form (`%(name)s`), for the few hot paths that skip SQLAlchemy."""
    return str(statement.compile(dialect=_DIALECT))


def driver_dsn(url: URL, *, options: str = SESSION_OPTIONS) -> str:
    """The libpq connection string of `url`, session options included, for psycopg's own pools."""
    return psycopg.conninfo.make_conninfo(
        url.set(drivername="postgresql").render_as_string(hide_password=False), options=options
    )
