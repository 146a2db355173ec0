"""Tables that are partitioned by a range of days: which partitions there are, made when they are needed, dropped whole.

A partition is named after its table and its first day (`call_records_20261130`). `Span` says how long one is. The catalogs
are the only record of them: nothing is remembered between two transactions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from calling_pipeline.database import locks
from calling_pipeline.database.sql import load
from calling_pipeline.errors import Busy

Span = Literal["day", "month"]
"""How long a partition is: a day, or a calendar month, of Shanghai."""
DROP_WAITS_S = 2.0
"""How long a drop waits for those who use the table; whoever comes meanwhile waits behind it."""
_LOCK_NOT_AVAILABLE = "55P03"
_LIST = load("database/list_partitions")
_BOUND = re.compile(r"(MINVALUE|MAXVALUE|'(\d{4}-\d\d-\d\d)[^']*')")


@dataclass(frozen=True)
class Partition:
    """One partition: the days from `first` on and before `end`; None is without a limit."""

    name: str
    first: dt.date | None
    end: dt.date | None

    def is_of(self, day: dt.date) -> bool:
        """Whether it holds `day` and no other."""
        return self.first == day and self.end == day + dt.timedelta(days=1)

    def holds(self, day: dt.date) -> bool:
        return (self.first is None or self.first <= day) and (self.end is None or day < self.end)


def partitions_of(connection: sa.Connection, table: str) -> list[Partition]:
    """The partitions of `table`, oldest first, without a default one."""
    found = []
    for name, bounds in connection.execute(_LIST, {"table": table}):
        first, end = (match[1] for match in _BOUND.findall(bounds))
        found.append(Partition(name, _day(first), _day(end)))
    return sorted(found, key=lambda one: one.first or dt.date.min)


def holding(connection: sa.Connection, table: str, day: dt.date, span: Span = "day") -> Partition:
    """The partition that holds `day`, made now when there is none; no drop takes it away until the transaction ends."""
    connection.execute(sa.text(f"LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE"))
    found = _find(partitions_of(connection, table), day)
    if found is None:
        make(connection, table, [day], span)
        found = _find(partitions_of(connection, table), day)
    assert found is not None
    return found


def make(connection: sa.Connection, table: str, wanted: Iterable[dt.date], span: Span = "day") -> list[str]:
    """Make the partitions that are missing for the `wanted` days; the names of those made.

    Others go on reading and writing meanwhile; only another maker of this table's partitions waits, until the transaction
    ends.
    """
    there = partitions_of(connection, table)
    missing = [day for day in sorted(set(wanted)) if _find(there, day) is None]
    if not missing:
        return []
    locks.hold(connection, "partitions", table)
    made = []
    for day in missing:
        there = partitions_of(connection, table)
        if _find(there, day) is None:
            made.append(_make(connection, table, *_bounds(day, span, there)))
    return made


def ahead(first: dt.date, count: int) -> list[dt.date]:
    """The `count` days from `first` on."""
    return [first + dt.timedelta(days=number) for number in range(count)]


def drop(connection: sa.Connection, table: str, names: Sequence[str]) -> None:
    """Drop partitions with all their rows. Raises `Busy` when the table is in use for longer than it waits."""
    if not names:
        return
    before = connection.execute(sa.text("SHOW lock_timeout")).scalar_one()
    locks.wait_at_most(connection, DROP_WAITS_S)
    try:
        connection.execute(sa.text(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE"))
        connection.execute(sa.text(f"DROP TABLE {', '.join(names)}"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise Busy(
            f"{table} was in use for {DROP_WAITS_S:g} s, so {', '.join(names)} stay; the next housekeeping drops them"
        ) from error
    connection.execute(sa.text("SELECT set_config('lock_timeout', :before, true)"), {"before": before})


def _find(there: Sequence[Partition], day: dt.date) -> Partition | None:
    return next((one for one in there if one.holds(day)), None)


def _make(connection: sa.Connection, table: str, first: dt.date, end: dt.date) -> str:
    """Attached after it was made: making it as a partition would lock the whole table against everybody."""
    name = f"{table}_{first:%Y%m%d}"
    connection.execute(sa.text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
    bounds = f"FOR VALUES FROM ('{first}') TO ('{end}')"
    connection.execute(sa.text(f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}"))
    return name


def _bounds(day: dt.date, span: Span, there: Sequence[Partition]) -> tuple[dt.date, dt.date]:
    """The span of `day`, as far as no other partition holds a part of it: an older table may end within a month."""
    first, end = day, day + dt.timedelta(days=1)
    if span == "month":
        first = day.replace(day=1)
        end = (first + dt.timedelta(days=32)).replace(day=1)
    ends = [one.end for one in there if one.end is not None and one.end <= day]
    firsts = [one.first for one in there if one.first is not None and one.first > day]
    return max([first, *ends]), min([end, *firsts])


def _day(bound: str) -> dt.date | None:
    return dt.date.fromisoformat(bound) if bound else None
