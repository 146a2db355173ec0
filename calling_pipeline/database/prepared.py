"""Statements of the hottest paths, in the form that costs the driver least."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import sqlalchemy as sa
from psycopg import errors
from psycopg.abc import Transformer as AnyTransformer
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from calling_pipeline.database.engine import driver_sql

_NAMED = re.compile(r"%\((\w+)\)s")
_NO_SUCH_STATEMENT = b"26000"
_numbers = itertools.count()


class Prepared:
    """A statement with `:name` parameters, kept ready as the server's own form of it (`$1`, `$2`, …).

    The driver would translate named parameters at every call of a long statement, and SQLAlchemy would build its execution
    context; for statements that run thousands of times per second both cost more than the statement.
    """

    def __init__(self, statement: sa.TextClause) -> None:
        named = " ".join(driver_sql(statement).split())
        self._parameters = tuple(dict.fromkeys(_NAMED.findall(named)))
        places = {name: f"${place}" for place, name in enumerate(self._parameters, 1)}
        self._sql = _NAMED.sub(lambda match: places[match[1]], named).replace("%%", "%").encode()
        self._formats = [PyFormat.AUTO] * len(self._parameters)
        self._names: WeakKeyDictionary[psycopg.Connection[Any], dict[tuple[int, ...], bytes]] = WeakKeyDictionary()

    def one(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it with `values` (others than its own are passed over); its first row, None when it has none.

        A statement that is a transaction of its own goes to libpq in one call: a cursor hands the interpreter from thread
        to thread while it waits, which halves the rate of sixteen threads. Such a call is not interrupted by a
        signal. Raises psycopg's errors.
        """
        given = [values[name] for name in self._parameters]
        libpq = connection.pgconn
        alone = connection.autocommit and libpq.transaction_status == TransactionStatus.IDLE
        if not alone or libpq.pipeline_status != PipelineStatus.OFF:
            with psycopg.RawCursor(connection) as cursor:
                return cursor.execute(self._sql, given, prepare=True).fetchone()
        convert: AnyTransformer = Transformer(connection)
        with connection.lock:
            result = self._execute(connection, convert, given)
        if not result.ntuples:
            return None
        convert.set_pgresult(result)
        row: tuple[Any, ...] = convert.load_row(0, tuple)
        return row

    def _execute(self, connection: psycopg.Connection[Any], convert: AnyTransformer, given: list[Any]) -> PGresult:
        """By name; prepared once more when the name is gone, for the driver drops every name after a rollback."""
        sent = convert.dump_sequence(given, self._formats)
        types = tuple(convert.types or ())  # the driver sends a small integer as a smaller type
        names = self._names.setdefault(connection, {})
        while True:
            fresh = types not in names
            if fresh:
                name = f"calling_{next(_numbers)}".encode()
                _check(connection, connection.pgconn.prepare(name, self._sql, types), ExecStatus.COMMAND_OK)
                names[types] = name
            result = connection.pgconn.exec_prepared(
                names[types],
                sent,  # type: ignore[arg-type]  # its nulls are None
                convert.formats,
                0,
            )
            if fresh or result.error_field(DiagnosticField.SQLSTATE) != _NO_SUCH_STATEMENT:
                _check(connection, result, ExecStatus.TUPLES_OK)
                return result
            del names[types]


def _check(connection: psycopg.Connection[Any], result: PGresult, wanted: ExecStatus) -> None:
    if result.status == wanted:
        return
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace").strip() or "the connection is lost")
    raise errors.error_from_result(result)
