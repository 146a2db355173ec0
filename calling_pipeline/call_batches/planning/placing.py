"""A planned batch gets its order by hour, where its calling task wants one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calling_tasks.best_time import store as best_time_store
from calling_pipeline.call_batches.calling_tasks.best_time.records import Arm
from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.database.sql import load

PROVINCES = load("call_batches/planning/provinces")
PLACE = load("call_batches/planning/place")


def place_calls(
    connection: sa.Connection,
    task: CallingTask,
    batch_id: int,
    *,
    now: dt.datetime,
    expires_at: dt.datetime | None,
    rate_per_s: float,
) -> int:
    """Give every call of the batch that fits an hour; returns how many. A batch with a single hour has no order to choose.

    An hour is when a call may be made from; the gate at the push still decides whether it is.
    """
    if task.best_time is None:
        return 0
    from calling_pipeline.call_batches.planning.ordering import (  # noqa: PLC0415 - numpy: 90 ms of every command
        EXPLORING,
        order,
        slots_of,
    )

    slots = slots_of(gate.with_holidays(connection, policy_from(task.policy), now), now, expires_at)
    calls = _provinces(connection, batch_id)
    if len(slots) < 2 or not calls:
        return 0
    rate = rate_per_s if task.rate_per_s is None else min(task.rate_per_s, rate_per_s)
    capacities = [int(slot.seconds * rate) for slot in slots]
    rates = best_time_store.rates_of(connection, task.id)
    places = order([province for _, province in calls], slots, capacities, rates, task.best_time.explore, batch_id)
    found: list[tuple[int, Arm, dt.datetime]] = [
        (call, "exploring" if arm == EXPLORING else "ordered", slots[slot].starts_at)
        for (call, _), arm, slot in zip(calls, places.arms.tolist(), places.slots.tolist(), strict=True)
        if slot >= 0
    ]
    exploring = sum(arm == "exploring" for _, arm, _ in found)
    batch_store.note_order(connection, batch_id, task.best_time, slots=len(slots), exploring=exploring, placed=len(found))
    return _place(connection, found, now)


def _provinces(connection: sa.Connection, batch_id: int) -> list[tuple[int, str]]:
    """(call, province of its number, empty when unknown) of the calls to be made, in the source's order."""
    return [(row.id, row.province) for row in connection.execute(PROVINCES, {"batch_id": batch_id})]


def _place(connection: sa.Connection, places: Sequence[tuple[int, Arm, dt.datetime]], now: dt.datetime) -> int:
    """Give calls their arm and hour; returns how many got one."""
    values = {
        "ids": [one[0] for one in places],
        "arms": [one[1] for one in places],
        "slots": [one[2] for one in places],
        "now": now,
    }
    return connection.execute(PLACE, values).rowcount
