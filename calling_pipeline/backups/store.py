"""The SQL of backups: snapshots, counts, databases that are made, renamed and dropped. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa
from psycopg import sql

from calling_pipeline.database.sql import load

_TABLES = load("backups/tables")
_COUNT_ATTEMPTS = load("backups/count_attempts")
_SESSIONS = load("backups/sessions")
_EXISTS = sa.text("SELECT EXISTS (SELECT FROM pg_database WHERE datname = :name)")


def export_snapshot(connection: sa.Connection) -> str:
    """Let others see what this transaction, which only reads from here on, sees; the name under which they ask for it."""
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())


def server_version(connection: sa.Connection) -> int:
    """The major version of the server."""
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000


def rows_of(connection: sa.Connection) -> Mapping[str, int]:
    """Table → rows, of every table that is not the server's own; a partitioned one counts by its partitions."""
    names = connection.execute(_TABLES).all()
    return {f"{row.schema}.{row.name}": _count(connection, row.schema, row.name) for row in names}


def has_tables(connection: sa.Connection) -> bool:
    """Whether the database holds any table."""
    return connection.execute(_TABLES).first() is not None


def exists(connection: sa.Connection, name: str | None) -> bool:
    """Whether the server has a database of this name."""
    return bool(connection.execute(_EXISTS, {"name": name}).scalar_one())


def sessions(connection: sa.Connection, name: str | None) -> int:
    """How many others use the database of this name."""
    return int(connection.execute(_SESSIONS, {"name": name}).scalar_one())


def create_database(connection: sa.Connection, name: str) -> None:
    """Make an empty database. Raises a database error when the role may not."""
    _run(connection, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))


def drop_database(connection: sa.Connection, name: str) -> None:
    """Drop a database where it is there, and end who uses it."""
    _run(connection, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def rename_database(connection: sa.Connection, old: str, new: str) -> None:
    """Give a database another name. Raises a database error while others use it."""
    _run(connection, sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))


def count_attempts(connection: sa.Connection, source: str, since: dt.datetime) -> None:
    """Count the calls of an imported list since then as contact attempts."""
    connection.execute(_COUNT_ATTEMPTS, {"source": source, "since": since})


def _count(connection: sa.Connection, schema: str, name: str) -> int:
    counted = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, name))
    return int(connection.exec_driver_sql(counted.as_string()).scalar_one())


def _run(connection: sa.Connection, statement: sql.Composed) -> None:
    connection.exec_driver_sql(statement.as_string())
