"""An old system's database, read in one read-only transaction through SQLAlchemy, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from calling_pipeline.errors import CallingError, ConfigurationError, InvalidInput
from calling_pipeline.masking import mask_digits
from calling_pipeline.takeover.records import Row

AT_ONCE = 2000
"""Rows fetched at a time."""
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_READ_ONLY = {
    "mysql": ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET SESSION TRANSACTION READ ONLY"),
    "postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    "sqlite": ("PRAGMA query_only = ON",),
}
_OURS = "takeover_parts"


def engine_of(url: str) -> sa.Engine:
    """An engine that writes nothing. Raises `InvalidInput` for a URL that is none; its password is never repeated."""
    try:
        given = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput("SOURCE is no database URL; write mysql://USER:PASSWORD@HOST/DATABASE") from None
    backend = given.drivername.partition("+")[0]
    if backend not in _DRIVERS:
        raise InvalidInput(f"{backend} is no database that is read; there are: mysql, mariadb, postgresql, sqlite")
    wanted = given.set(drivername=_DRIVERS[backend])
    if backend == "sqlite":
        wanted = _read_only_file(wanted)
    elif backend in ("mysql", "mariadb"):
        wanted = wanted.update_query_dict({"charset": "utf8mb4"})
    try:
        engine = sa.create_engine(wanted, poolclass=sa.NullPool)
    except (NoSuchModuleError, ImportError, ArgumentError) as error:
        raise ConfigurationError(f"the driver for {backend} cannot be used: {type(error).__name__}") from None

    @sa.event.listens_for(engine, "connect")
    def only_read(connection: object, record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # of any driver
        for statement in _READ_ONLY[engine.dialect.name]:
            cursor.execute(statement)
        cursor.close()
        connection.commit()  # type: ignore[attr-defined]

    return engine


class DatabaseSource:
    """The tables that an account of the database sees, all read in one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._streaming = False
        self.name = _shown(engine.url)
        try:
            self._connection = engine.connect().execution_options(stream_results=True, yield_per=AT_ONCE)
            inspector = sa.inspect(self._connection)
            names = [*inspector.get_table_names(), *inspector.get_view_names()]
        except SQLAlchemyError as error:
            said = mask_digits(str(getattr(error, "orig", None) or error).splitlines()[0])
            raise ConfigurationError(f"{self.name} cannot be read: {said}; check address, name and rights") from None
        if _OURS in names:
            raise InvalidInput("SOURCE is the database of this system itself; name the old system's")
        self._columns = {name: [column["name"] for column in inspector.get_columns(name)] for name in names}
        self._keys = {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in names}

    def tables(self) -> Mapping[str, Sequence[str]]:
        """Its tables and views with their columns."""
        return self._columns

    def rows(self, table: str, *, skip: int = 0) -> Iterator[Row]:
        """The rows in the order of the primary key, else of all columns.

        While they are read, other tables are read through a connection of their own: MySQL ends the first stream without a
        word when another statement comes on its connection. Raises `CallingError` where not every row came.
        """
        if self._streaming:
            with self._engine.connect().execution_options(stream_results=True, yield_per=AT_ONCE) as own:
                yield from self._read(own, table, skip)
            return
        self._streaming = True
        try:
            yield from self._read(self._connection, table, skip)
        finally:
            self._streaming = False

    def _read(self, connection: sa.Connection, table: str, skip: int) -> Iterator[Row]:
        key, columns = self._keys[table], self._columns[table]
        ordered: sa.Select[*tuple[Any, ...]] = (
            sa.select(*(sa.column(name) for name in columns))
            .select_from(sa.table(table))
            .order_by(*(sa.column(name) for name in key or columns))
        )
        if skip:
            ordered = ordered.limit(2**62).offset(skip)
        there = connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
        read = skip
        for row in connection.execute(ordered):
            read += 1
            yield row._asdict()
        if read < there:  # more is no fault: the old system may write while it is read
            raise CallingError(f"{read} of the {there} rows of {table} were read; the same command goes on where it was")

    def files(self, patterns: Sequence[str]) -> list[Path]:
        """None: it is a database."""
        return []

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
        self._engine.dispose()


def _shown(url: URL) -> str:
    """The address without driver, options and password."""
    if url.get_backend_name() == "sqlite":
        return unquote((url.database or "").removeprefix("file:"))
    return url.set(drivername=url.get_backend_name(), query={}).render_as_string(hide_password=True)


def _read_only_file(url: URL) -> URL:
    path = Path(url.database or "").expanduser()
    if not path.is_file():
        raise InvalidInput(f"there is no SQLite database {path}")
    return URL.create("sqlite", database=f"file:{quote(str(path.resolve()))}", query={"mode": "ro", "uri": "true"})
