"""Statements of the hottest paths, in the form that costs the driver least."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy as sa

from calling_pipeline.database.engine import driver_sql

_NAMED = re.compile(r"%\((\w+)\)s")


class Prepared:
    """A statement with `:name` parameters, kept ready as the server's own form of it (`$1`, `$2`, …).

    The driver would translate named parameters at every call of a long statement, and SQLAlchemy would build its execution
    context; for statements that run thousands of times a second both cost more than the statement.
    """

    def __init__(self, statement: sa.TextClause) -> None:
        named = " ".join(driver_sql(statement).split())
        self._names = tuple(dict.fromkeys(_NAMED.findall(named)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = _NAMED.sub(lambda match: numbers[match[1]], named).replace("%%", "%").encode()

    def one(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it with `values` (others than its own are passed over); its first row, None when it has none."""
        with psycopg.RawCursor(connection) as cursor:
            return cursor.execute(self._sql, [values[name] for name in self._names], prepare=True).fetchone()
