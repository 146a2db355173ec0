"""Makes the databases the product needs on a server where its role may do so."""

from __future__ import annotations

import sqlalchemy as sa
from psycopg import errors, sql
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, ProgrammingError

from calling_pipeline.database.engine import business_url, reachable
from calling_pipeline.errors import ConfigurationError


def ensure_database(server: URL, name: str) -> URL:
    """The URL of database `name` on the server of `server` (connected to for asking), created when it is missing.

    Raises `ConfigurationError` when the role may not create it.
    """
    asking = sa.create_engine(
        business_url(server.render_as_string(hide_password=False)),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
        hide_parameters=True,
    )
    with reachable(asking) as connection:
        known = connection.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}).first()
        if known is None:
            _create(connection, name)
    return server.set(database=name)


def _create(connection: sa.Connection, name: str) -> None:
    try:
        connection.exec_driver_sql(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)).as_string())
    except (ProgrammingError, IntegrityError) as error:
        if isinstance(error.orig, errors.DuplicateDatabase | errors.UniqueViolation):  # another process was faster
            return
        raise ConfigurationError(
            f"the database {name} does not exist and this role may not create it; create it, or set its address"
        ) from error
