"""SQL of large exports. It never commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline.database import locks
from calling_pipeline.errors import NotFound
from calling_pipeline.reports.exports.records import Export, State, Wanted
from calling_pipeline.reports.exports.tables import exports

LOCK = "export"
"""Whoever writes an export holds the lock of this name and its id."""
UNFINISHED: tuple[State, ...] = ("asked", "running")
CONNECTED = 2
_FETCHED = 5_000
_c, _r = exports.c, call_records.c
_COLUMNS = (
    _r.id, _r.date, _r.called_at, _r.call_state, _r.duration_s, _r.order_yuan, _r.agent_id, _r.task_name, _r.line_name,
    _r.phone_masked, _r.hangup_reason, _r.province, _r.city,
)  # fmt: skip


def add(connection: sa.Connection, wanted: Wanted, *, by: str, now: dt.datetime) -> int:
    """Keep that an export is wanted; its id."""
    values = {
        "what": "call_records",
        "first": wanted.first,
        "last": wanted.last,
        "filters": dict(wanted.filters),
        "format": wanted.format,
        "language": wanted.language,
        "asked_by": by,
        "asked_at": now,
    }
    return connection.execute(exports.insert().values(values).returning(_c.id)).scalar_one()


def by_id(connection: sa.Connection, export_id: int) -> Export:
    """One export. Raises `NotFound`."""
    row = connection.execute(sa.select(exports).where(_c.id == export_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no export {export_id}")
    return _export(row)


def listed(connection: sa.Connection, *, asked_by: str | None, limit: int, offset: int = 0) -> tuple[list[Export], int]:
    """The newest exports, of one person or (None) of all, and how many there are."""
    whose = [] if asked_by is None else [_c.asked_by == asked_by]
    found = sa.select(exports).where(*whose).order_by(_c.id.desc()).limit(limit).offset(offset)
    total = connection.execute(sa.select(sa.func.count()).select_from(exports).where(*whose)).scalar_one()
    return [_export(row) for row in connection.execute(found).mappings()], total


def count_unfinished(connection: sa.Connection, *, asked_by: str) -> int:
    """How many exports of the person are still to be written."""
    found = sa.select(sa.func.count()).where(_c.asked_by == asked_by, _c.state.in_(UNFINISHED))
    return connection.execute(found).scalar_one()


def waiting(connection: sa.Connection) -> list[Export]:
    """Exports that nobody writes now, oldest first: asked for, or of a process that ended."""
    found = sa.select(exports).where(_c.state.in_(UNFINISHED)).order_by(_c.id)
    rows = [_export(row) for row in connection.execute(found).mappings()]
    return [one for one in rows if not locks.is_held(connection, LOCK, one.id)]


def begin(connection: sa.Connection, export_id: int, now: dt.datetime) -> Export | None:
    """Note that it is begun; None when it is finished already. The caller holds its lock."""
    change = exports.update().where(_c.id == export_id, _c.state.in_(UNFINISHED)).returning(exports)
    values = {"state": "running", "attempts": _c.attempts + 1, "rows": 0, "expected": None, "started_at": now}
    row = connection.execute(change.values(values)).mappings().first()
    return _export(row) if row is not None else None


def note_rows(connection: sa.Connection, export_id: int, rows: int, expected: int) -> None:
    """Keep how far it is."""
    connection.execute(exports.update().where(_c.id == export_id).values(rows=rows, expected=expected))


def finish(
    connection: sa.Connection,
    export_id: int,
    *,
    rows: int,
    file: str,
    size: int,
    digest: str,
    now: dt.datetime,
    until: dt.datetime,
) -> None:
    """Keep that its file is whole and may be fetched until then."""
    values = {"state": "done", "rows": rows, "expected": rows, "file": file, "bytes": size, "digest": digest}
    times = {"finished_at": now, "expires_at": until}
    connection.execute(exports.update().where(_c.id == export_id).values({**values, **times}))


def fail(connection: sa.Connection, export_id: int, error: str, now: dt.datetime) -> None:
    """Keep that there will be no file, and why."""
    change = exports.update().where(_c.id == export_id, _c.state.in_(UNFINISHED))
    connection.execute(change.values(state="failed", error=error, finished_at=now))


def expired(connection: sa.Connection, now: dt.datetime) -> list[Export]:
    """Those whose file is to be removed."""
    found = sa.select(exports).where(_c.state == "done", _c.expires_at <= now).order_by(_c.id)
    return [_export(row) for row in connection.execute(found).mappings()]


def note_removed(connection: sa.Connection, export_id: int) -> None:
    """Keep that its file is removed."""
    connection.execute(exports.update().where(_c.id == export_id).values(state="removed"))


def offered_files(connection: sa.Connection) -> set[str]:
    """Names of the files that may still be fetched."""
    return {name for name in connection.execute(sa.select(_c.file).where(_c.state == "done")).scalars() if name}


def count_records(connection: sa.Connection, wanted: Wanted) -> int:
    """How many call records the export has."""
    found = sa.select(sa.func.count()).select_from(call_records)
    days_of = _r.date.between(wanted.first, wanted.last)
    return connection.execute(found.where(days_of, *_narrowed(wanted))).scalar_one()


def records_of(connection: sa.Connection, wanted: Wanted, day: dt.date) -> Iterator[Sequence[object]]:
    """The day's call records by id, read through a cursor of the server."""
    found = sa.select(*_COLUMNS).where(_r.date == day, *_narrowed(wanted)).order_by(_r.id)
    streamed = connection.execution_options(stream_results=True, max_row_buffer=_FETCHED).execute(found)
    yield from streamed


def _narrowed(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for name, value in wanted.filters.items():
        match name:
            case "connected":
                found.append(_r.call_state == CONNECTED if value == "yes" else _r.call_state.is_distinct_from(CONNECTED))
            case "ordered":
                found.append(_r.order_yuan > 0 if value == "yes" else _r.order_yuan == 0)
            case "report":
                continue
            case _:
                found.append(call_records.c[name] == value)
    return found


def _export(row: sa.RowMapping) -> Export:
    kept = dict(row)
    wanted = Wanted(*(kept.pop(name) for name in ("first", "last", "format", "language", "filters")))
    kept.pop("what")
    for name in ("asked_at", "started_at", "finished_at", "expires_at"):
        kept[name] = kept[name].astimezone(days.SHANGHAI) if kept[name] is not None else None
    return Export(wanted=wanted, **kept)
