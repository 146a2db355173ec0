"""Pushed calls and call records written straight into the tables, and the rule that joins them, said once more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.call_results.records import TOLERANCE, JoinRules
from calling_pipeline.call_batches.batches.tables import call_batches
from calling_pipeline.call_batches.calling_tasks.tables import calling_tasks
from calling_pipeline.call_batches.calls.results.tables import call_results
from calling_pipeline.call_batches.calls.tables import call_log, call_tasks
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline.database import partitions
from calling_pipeline.masking import mask_phone, phone_hash

KEY = b"a key for tests"
RULES = JoinRules((KEY,))
DAY = dt.date(2026, 11, 23)
MORNING = dt.datetime.combine(DAY, dt.time(9), days.SHANGHAI)


def phone(number: int) -> str:
    return f"138{number:08d}"


def add_batch(connection: sa.Connection, day: dt.date = DAY, *, task: str = "orders") -> int:
    """A completed batch of a calling task, which is made when there is none."""
    made = dict.fromkeys(("ticks_from", "created_at", "updated_at"), MORNING)
    source = {"cron": "0 9 * * *", "source_schema": "crm", "source_table": "orders", "mobile_phone": "mobile"}
    found = connection.execute(sa.select(calling_tasks.c.id).where(calling_tasks.c.name == task)).scalar_one_or_none()
    if found is None:
        new = sa.insert(calling_tasks).values(name=task, enabled=True, **source, **made)
        found = connection.execute(new.returning(calling_tasks.c.id)).scalar_one()
    at = dt.datetime.combine(day, dt.time(9), days.SHANGHAI)
    count = connection.execute(sa.select(sa.func.count()).select_from(call_batches)).scalar_one()
    card = {"source_rows": 0, "to_call": 0, "left_out": []}
    values = {"key": f"{task} {day} {count}", "calling_task_id": found, "task_name": task, "day": day, "state": "completed",
              "source": "crm.orders", "policy": {}, "card": card, "planned_at": at, "started_at": at,
              "finished_at": at + dt.timedelta(hours=1)}  # fmt: skip
    return connection.execute(sa.insert(call_batches).values(values).returning(call_batches.c.id)).scalar_one()


def add_push(
    connection: sa.Connection, batch_id: int, number: int, at: dt.datetime, *, outcome: str = "pushed", row_key: str = ""
) -> int:
    """A call that was pushed at `at`, with its log; returns its id."""
    t = call_tasks
    row = connection.execute(sa.select(sa.func.count()).select_from(t).where(t.c.batch_id == batch_id)).scalar_one() + 1
    values = {"batch_id": batch_id, "source_row": row, "phone": phone(number), "state": "pushed", "attempts": 1,
              "distinct_id": f"{batch_id}-{row}", "claimed_at": at, "row_key": row_key or None}  # fmt: skip
    call_id = connection.execute(sa.insert(t).values(values).returning(t.c.id)).scalar_one()
    log = {"call_task_id": call_id, "batch_id": batch_id, "phone": phone(number), "distinct_id": f"{batch_id}-{row}",
           "attempt": 1, "outcome": outcome, "sent_at": at, "recorded_at": at + dt.timedelta(seconds=1)}  # fmt: skip
    connection.execute(sa.insert(call_log).values(log))
    return int(call_id)


def add_record(connection: sa.Connection, record_id: int, number: int, at: dt.datetime, **changes: Any) -> None:
    """A call record of a number, connected for a minute unless `changes` say otherwise."""
    values = {"id": record_id, "date": days.day_of(at), "called_at": at, "call_state": 2, "duration_s": 60, "order_yuan": 0,
              "agent_id": "agent07", "phone_masked": mask_phone(phone(number)), "phone_hash": phone_hash(KEY, phone(number)),
              "hangup_reason": "正常挂断", "province": "四川", **changes}  # fmt: skip
    partitions.make(connection, "call_records", [values["date"]])
    connection.execute(sa.insert(call_records).values(values))


def kept(connection: sa.Connection) -> dict[int, Any]:
    """Call → its row of `call_results`."""
    return {row.call_task_id: row for row in connection.execute(sa.select(call_results))}


Pushes = Mapping[int, tuple[int, dt.datetime]]
"""Call → number and time of its push."""
Records = Sequence[tuple[int, int, dt.datetime]]
"""(record, number, time)."""


def expected(pushes: Pushes, records: Records, reach: dt.timedelta = RULES.reach) -> dict[int, int | None]:
    """Call → the record that belongs to it, by going through the events of each number one after another."""
    found: dict[int, int | None] = dict.fromkeys(pushes)
    for number in {number for number, _ in pushes.values()}:
        events: list[tuple[dt.datetime, int, int]] = [
            *((at - TOLERANCE, 0, call) for call, (of, at) in pushes.items() if of == number),
            *((at, 1, record) for record, of, at in records if of == number),
        ]
        current: int | None = None
        for at, kind, one in sorted(events):
            if kind == 0:
                current = one
            elif current is not None and found[current] is None and at < pushes[current][1] + reach:
                found[current] = one
    return found


def phones(numbers: Iterable[int]) -> list[str]:
    return [phone(number) for number in numbers]
