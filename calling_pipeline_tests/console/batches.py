"""What tests of the batches' pages share: an operator's desk on the console's own runtime, and calls of every state."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline_tests.call_batches.desk import Desk, phone
from calling_pipeline_tests.console.conftest import Console
from calling_pipeline_tests.support import Simulator, http, yesterday


def desk_of(console: Console, simulator: Simulator) -> Desk:
    """A desk whose work orders the console shows."""
    http.delete(simulator.url + "/gateway/_sim/calls").raise_for_status()
    return Desk(console.runtime.engine, console.runtime.settings, simulator)


def morning() -> dt.datetime:
    """Nine o'clock of yesterday."""
    return dt.datetime.combine(yesterday(), dt.time(9), days.SHANGHAI)


def planned(desk: Desk, calls: int = 5, name: str = "new orders") -> Batch:
    """A batch that nobody pushes, with one row each that is blank and that is a duplicate."""
    desk.work_orders([*(phone(number) for number in range(1, calls + 1)), phone(1), None])
    desk.task(name)
    return desk.plan(name)


def make_unknown(desk: Desk, batch: Batch) -> None:
    """Every pending call of the batch becomes unknown, as if the process that pushed it had ended."""
    with desk.engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE call_tasks SET state = 'unknown', distinct_id = 'd' || id, attempts = 1, claimed_at = now()"
                " WHERE batch_id = :batch AND state = 'pending'"
            ),
            {"batch": batch.id},
        )
        connection.execute(
            sa.text(
                "INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, message, recorded_at)"
                " SELECT id, batch_id, phone, distinct_id, 1, 'unknown',"
                " 'the process ended before the outcome was recorded', now() FROM call_tasks"
                " WHERE batch_id = :batch AND state = 'unknown'"
            ),
            {"batch": batch.id},
        )
        connection.execute(
            sa.text("UPDATE call_batches SET state = 'completed', finished_at = now() WHERE id = :batch"),
            {"batch": batch.id},
        )
