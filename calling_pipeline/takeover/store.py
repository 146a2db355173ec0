"""SQL of the takeovers: what was begun, how far each part is, what became of its rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.errors import NotFound
from calling_pipeline.takeover.records import EXAMPLES, PARTS, Counts, Part, PartReport, State, Takeover
from calling_pipeline.takeover.tables import takeover_parts, takeovers

_DIFFERENT_TIMES = load("takeover/different_times")
_IN_TWO_TENANTS = load("takeover/in_two_tenants")
_TAKE_OFFLINE = load("takeover/take_offline")
_t, _p = takeovers.c, takeover_parts.c
_TAKEOVER = sa.select(_t.id, _t.source, _t.dry_run, _t.by, _t.state, _t.begun_at, _t.finished_at, _t.error)


def begin(
    connection: sa.Connection, *, source: str, mapping: str, dry_run: bool, by: str, parts: list[Part], now: dt.datetime
) -> int:
    """Keep that a takeover begins, with its parts; returns its id."""
    values = {"source": source, "mapping": mapping, "dry_run": dry_run, "by": by, "state": "running", "begun_at": now}
    takeover_id = int(connection.execute(sa.insert(takeovers).values(**values).returning(_t.id)).scalar_one())
    add_parts(connection, takeover_id, parts)
    return takeover_id


def add_parts(connection: sa.Connection, takeover_id: int, parts: list[Part]) -> None:
    """Parts that are to be taken; those it has already stay as they are."""
    known = set(connection.execute(sa.select(_p.part).where(_p.takeover_id == takeover_id)).scalars())
    rows = [
        {"takeover_id": takeover_id, "part": part, "number": PARTS.index(part), "state": "waiting"}
        for part in parts
        if part not in known
    ]
    if rows:
        connection.execute(sa.insert(takeover_parts), rows)


def unfinished(connection: sa.Connection, *, source: str, mapping: str) -> int | None:
    """The newest takeover of this source that was begun and not ended; None without one."""
    mine = sa.select(_t.id).where(_t.source == source, _t.mapping == mapping, ~_t.dry_run, _t.state != "done")
    newest = sa.select(sa.func.max(_t.id)).where(_t.source == source, ~_t.dry_run)
    return connection.execute(mine.where(_t.id == newest.scalar_subquery())).scalar_one_or_none()


def go_on(connection: sa.Connection, takeover_id: int) -> None:
    """A takeover that was cut off goes on."""
    connection.execute(sa.update(takeovers).where(_t.id == takeover_id).values(state="running", error="", finished_at=None))


def end(connection: sa.Connection, takeover_id: int, state: State, now: dt.datetime, *, error: str = "") -> None:
    """Keep how a takeover ended."""
    connection.execute(
        sa.update(takeovers).where(_t.id == takeover_id).values(state=state, finished_at=now, error=error[:2000])
    )


def progress(connection: sa.Connection, takeover_id: int, part: Part) -> tuple[str, dict[str, int], Counts]:
    """(state, table → rows read so far, counts so far) of one part."""
    row = connection.execute(sa.select(takeover_parts).where(_p.takeover_id == takeover_id, _p.part == part)).one()
    counts = Counts(row.rows_read, row.taken, row.already_there, Counter(row.reasons), dict(row.found))
    return row.state, dict(row.places), counts


def keep(
    connection: sa.Connection,
    takeover_id: int,
    part: Part,
    counts: Counts,
    *,
    places: dict[str, int],
    now: dt.datetime,
    done: bool = False,
) -> None:
    """Keep how far a part is, in the transaction that took its rows."""
    values: dict[str, Any] = {
        "state": "done" if done else "running",
        "places": places,
        "rows_read": counts.rows_read,
        "taken": counts.taken,
        "already_there": counts.already_there,
        "reasons": dict(counts.reasons),
        "found": counts.found,
        "begun_at": sa.func.coalesce(_p.begun_at, now),
        "finished_at": now if done else None,
    }
    mine = sa.update(takeover_parts).where(_p.takeover_id == takeover_id, _p.part == part)
    connection.execute(mine.values(**values))


def keep_report(connection: sa.Connection, takeover_id: int, report: PartReport) -> None:
    """Keep what a dry run found of one part."""
    mine = sa.update(takeover_parts).where(_p.takeover_id == takeover_id, _p.part == report.part)
    values = {name: getattr(report, name) for name in PartReport.__dataclass_fields__ if name != "part"}
    connection.execute(mine.values(**values))


def find(connection: sa.Connection, takeover_id: int) -> Takeover:
    """One takeover with its parts. Raises `NotFound`."""
    row = connection.execute(_TAKEOVER.where(_t.id == takeover_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no takeover {takeover_id}; `calling-pipeline takeover list` shows them")
    parts = connection.execute(sa.select(takeover_parts).where(_p.takeover_id == takeover_id).order_by(_p.number)).all()
    return Takeover(**row._mapping, parts=tuple(_part(one) for one in parts))


def latest(connection: sa.Connection, *, limit: int = 50) -> list[Takeover]:
    """The newest takeovers, without their parts' contradictions."""
    rows = connection.execute(_TAKEOVER.order_by(_t.id.desc()).limit(limit)).all()
    return [find(connection, row.id) for row in rows]


def different_times(connection: sa.Connection, *, last_line: int) -> list[Any]:
    """Numbers (phone, first, last) that stand in the old history with different times; `numbers`: how many."""
    values = {"last_line": last_line, "examples": EXAMPLES}
    return list(connection.execute(_DIFFERENT_TIMES, values))


def extensions_in_two_tenants(connection: sa.Connection) -> list[Any]:
    """Extensions (number, tenants) in the pools of several tenants; `numbers` of all."""
    return list(connection.execute(_IN_TWO_TENANTS, {"examples": EXAMPLES}))


def take_offline(connection: sa.Connection, config_id: int, number: str) -> None:
    """Let an extension begin out of use, as it was in the old system."""
    connection.execute(_TAKE_OFFLINE, {"config_id": config_id, "number": number})


def _part(row: Any) -> PartReport:
    return PartReport(
        part=row.part,
        state=row.state,
        rows_read=row.rows_read,
        taken=row.taken,
        already_there=row.already_there,
        reasons=row.reasons,
        found=row.found,
        begun_at=row.begun_at,
        finished_at=row.finished_at,
    )
