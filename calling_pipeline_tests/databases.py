"""Databases of tests: copies of a template, emptied after a test and given to the next.

A copy of a migrated database is nine hundred files; made and dropped for each test, the copies took a fifth of all the time
the tests took. What a test wrote is a few rows in a few tables. So a database that a test gives back gets another name
(whoever still has the old one finds nothing there), its tables are emptied and its sequences start anew. It is given to
another test only when its catalogue and the rows that a migration put there are those of the template again: after a
test that changed anything else, such as a column or a trigger, the database is dropped, and the next is a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline_tests.support import free_name, wait_until

_MOST_KEPT = 4

_CATALOGUE = """
SELECT
    (SELECT sum(hashtextextended(concat_ws(' ', oid, relname, relkind, relacl, reloptions), 0))
     FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace),
    (SELECT sum(hashtextextended(concat_ws(' ', attrelid, attnum, xmin), 0)) FROM pg_attribute WHERE attrelid >= 16384),
    (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) FROM pg_attrdef),
    (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) FROM pg_proc WHERE oid >= 16384),
    (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) FROM pg_constraint WHERE oid >= 16384),
    (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) FROM pg_trigger),
    (SELECT sum(hashtextextended(concat_ws(' ', indexrelid, xmin), 0)) FROM pg_index WHERE indexrelid >= 16384),
    (SELECT sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) FROM pg_rewrite WHERE oid >= 16384),
    (SELECT sum(hashtextextended(concat_ws(' ', oid, nspacl), 0)) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'),
    (SELECT count(*) FROM pg_extension),
    (SELECT count(*) FROM pg_default_acl),
    (SELECT count(*) FROM pg_largeobject_metadata),
    (SELECT concat_ws(' ', d.datacl, s.setconfig)
     FROM pg_database AS d LEFT JOIN pg_db_role_setting AS s ON s.setdatabase = d.oid AND s.setrole = 0
     WHERE d.datname = current_database())
"""
_FILLED = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.oid >= 16384 AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0 AND c.relnamespace <> 'pg_toast'::regnamespace
"""
_PARTITIONS = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relispartition AND NOT c.oid = ANY(:known)
"""
_COUNTED = """
SELECT format('%%I.%%I', schemaname, sequencename), last_value, start_value FROM pg_sequences WHERE last_value IS NOT NULL
"""
_END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
_WITHOUT_TRIGGERS = "SET session_replication_role = replica; SET allow_system_table_mods = on"


@dataclass
class _Template:
    """What a copy looks like before a test uses it: its catalogue, its rows and its sequences."""

    catalogue: tuple[Any, ...]
    partitions: list[int]
    rows: dict[str, list[str]]
    counted: dict[str, int]
    free: list[str] = field(default_factory=list)


class Databases:
    """The databases of one process of tests on `server_url`."""

    def __init__(self, server_url: URL) -> None:
        self.server_url = server_url
        self._admin = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, pool_size=1)
        with self._admin.connect() as admin:  # only a superuser may empty a table whose trigger forbids it
            self._may_empty = admin.exec_driver_sql("SELECT usesuper FROM pg_user WHERE usename = current_user").scalar_one()
        self._templates: dict[str, _Template] = {}

    @contextmanager
    def of(self, template: str) -> Iterator[URL]:
        """A database as `template` is, for one user."""
        free = self._templates[template].free if template in self._templates else []
        if free:
            name = free.pop()
        else:
            name = free_name()
            self._statement(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        if self._may_empty and template != "template0" and template not in self._templates:
            self._templates[template] = self._look(name)
        try:
            yield self.server_url.set(database=name)
        finally:
            self._take_back(name, template)

    def close(self) -> None:
        """Drop what is kept."""
        for template in self._templates.values():
            for name in template.free:
                self._drop(name)
        self._admin.dispose()

    def _take_back(self, name: str, template: str) -> None:
        known = self._templates.get(template)
        if known is None or len(known.free) >= _MOST_KEPT:
            self._drop(name)
            return
        emptied = free_name()
        try:
            self._rename(name, emptied)
        except sa.exc.DBAPIError:
            self._drop(name)
            return
        if self._empty(emptied, known):
            known.free.append(emptied)
        else:
            self._drop(emptied)

    def _rename(self, name: str, new: str) -> None:
        with self._admin.connect() as admin:
            admin.execute(sa.text(_END_SESSIONS), {"name": name})
            admin.exec_driver_sql(f'ALTER DATABASE "{name}" RENAME TO "{new}"')

    def _look(self, name: str) -> _Template:
        with self._connect(name) as connection:
            return _Template(
                catalogue=tuple(connection.exec_driver_sql(_CATALOGUE).one()),
                partitions=list(connection.execute(sa.text("SELECT oid FROM pg_class WHERE relispartition")).scalars()),
                rows={table: _rows(connection, table) for table in _filled(connection)},
                counted={row[0]: row[1] for row in connection.exec_driver_sql(_COUNTED)},
            )

    def _empty(self, name: str, template: _Template) -> bool:
        """Make it as it was; False where that cannot be done."""
        try:
            with self._connect(name) as connection:
                connection.exec_driver_sql(_WITHOUT_TRIGGERS)
                if made := connection.execute(sa.text(_PARTITIONS), {"known": template.partitions}).scalars().all():
                    connection.exec_driver_sql(f"DROP TABLE {', '.join(made)}")
                _bring_back_rows(connection, template.rows)
                _bring_back_counts(connection, template.counted)
                connection.exec_driver_sql("DELETE FROM pg_statistic WHERE starelid >= 16384")
                return tuple(connection.exec_driver_sql(_CATALOGUE).one()) == template.catalogue
        except sa.exc.DBAPIError:
            return False

    @contextmanager
    def _connect(self, name: str) -> Iterator[sa.Connection]:
        engine = sa.create_engine(self.server_url.set(database=name), poolclass=sa.NullPool)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def _drop(self, name: str) -> None:
        self._statement(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _statement(self, statement: str) -> None:
        make_or_drop(self._admin, statement)


def make_or_drop(admin: sa.Engine, statement: str) -> None:
    """Make or drop a database, also where the machine is so busy that the last session of the one that is copied or dropped
    needs longer to end than the server waits."""
    wait_until(lambda: _is_done(admin, statement))


def _is_done(admin: sa.Engine, statement: str) -> bool:
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(statement)
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55006":  # object_in_use
            raise
        return False
    return True


def _rows(connection: sa.Connection, table: str) -> list[Any]:
    return list(connection.exec_driver_sql(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1").scalars())


def _filled(connection: sa.Connection) -> set[str]:
    return set(connection.exec_driver_sql(_FILLED).scalars())


def _bring_back_rows(connection: sa.Connection, rows: dict[str, list[str]]) -> None:
    wrong = _filled(connection) - rows.keys()
    wrong |= {table for table, there in rows.items() if _rows(connection, table) != there}
    if wrong:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(sorted(wrong))} CASCADE")
    for table, there in rows.items():
        if _rows(connection, table) != there:
            connection.execute(
                sa.text(f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb))"),
                {"rows": f"[{','.join(there)}]"},
            )


def _bring_back_counts(connection: sa.Connection, counted: dict[str, int]) -> None:
    for sequence, last, first in connection.exec_driver_sql(_COUNTED).all():
        if last != counted.get(sequence):
            value = counted.get(sequence, first)
            connection.exec_driver_sql("SELECT setval(%s, %s, %s)", (sequence, value, sequence in counted))
