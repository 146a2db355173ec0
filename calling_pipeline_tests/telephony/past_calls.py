"""Calls of past days of two tenants, put straight into the table, and what a plain count of them says."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.telephony.calls.tables import communication_records
from calling_pipeline.telephony.pool.tables import extension_pool
from calling_pipeline.telephony.tenants.tables import collectors, infinity_configs

LINES, PEOPLE = 3, 4
"""Of each tenant."""


@dataclass(frozen=True)
class PastCall:
    """One call as it was put in."""

    day: dt.date
    row: dict[str, Any]

    @property
    def busy_s(self) -> float:
        """From the allocation to the release."""
        return (self.row["closed_at"] - self.row["started_at"]).total_seconds() if self.row["closed_at"] else 0.0


def tenants(connection: sa.Connection) -> None:
    """Tenants 1 and 2, each with three extensions and four collectors."""
    now = days.now()
    for tenant in (1, 2):
        values: dict[str, Any] = {"tenant_id": tenant, "name": "main", "api_url": "https://infinity.example", "app_id": "a"}
        values |= {"enabled": True, "strategy": "lru", "max_concurrent_calls": 20, "ring_timeout_s": 30, "cool_down_s": 5}
        values |= {"quarantine_after": 0, "quarantine_s": 0, "caller_numbers": [], "created_at": now, "updated_at": now}
        config = connection.execute(infinity_configs.insert().values(**values).returning(infinity_configs.c.id)).scalar_one()
        lines = [{"config_id": config, "number": f"{tenant}00{place}", "created_at": now} for place in range(LINES)]
        connection.execute(extension_pool.insert(), lines)
        people = [
            {"tenant_id": tenant, "id": place, "name": f"agent {place}", "callback_number_sealed": b"",
             "callback_number_masked": "138****0000", "created_at": now, "updated_at": now}
            for place in range(1, PEOPLE + 1)
        ]  # fmt: skip
        connection.execute(collectors.insert(), people)


def past_calls(
    connection: sa.Connection, *, back: int = 6, each: int = 25, seed: int = 1, tenant: int | None = None
) -> list[PastCall]:
    """`each` calls of each tenant on each of the last `back` days and today, of every kind there is."""
    pick = random.Random(seed)
    lines = connection.execute(
        sa.select(infinity_configs.c.tenant_id, infinity_configs.c.id, extension_pool.c.id, extension_pool.c.number).join(
            extension_pool, extension_pool.c.config_id == infinity_configs.c.id
        )
    ).all()
    made = []
    for before in range(back, -1, -1):
        day = days.today() - dt.timedelta(days=before)
        begin = days.day_bounds(day)[0]
        room = 86_000.0 if before else max(0.0, (days.now() - begin).total_seconds() - 1)
        for number in range(each * 2):
            line = pick.choice([one for one in lines if one[0] == (tenant or 1 + number % 2)])
            made.append(
                PastCall(day, _row(pick, line, begin + dt.timedelta(seconds=pick.uniform(0, room)), len(made), seed))
            )
    connection.execute(communication_records.insert(), [one.row for one in made])
    return made


def _row(pick: random.Random, line: Any, at: dt.datetime, number: int, seed: int) -> dict[str, Any]:
    state = pick.choice(["connected"] * 5 + ["not_connected", "cancelled", "busy", "failed", "unknown"])
    talk = round(pick.choice([3, 8, 15, 25, 200]) * pick.random()) if state == "connected" else 0
    closed = at + dt.timedelta(seconds=talk + pick.uniform(1, 45))
    settled = closed + dt.timedelta(seconds=pick.choice([0, 0, 0, 60])) if state != "unknown" else None
    by = None if settled is None else "make_call" if state == "failed" else pick.choice(["callback"] * 4 + ["bill"])
    return {
        "reference": f"past-{seed}-{number}",
        "tenant_id": line[0],
        "config_id": line[1],
        "extension_id": line[2],
        "extension_number": line[3],
        "collector_id": pick.randint(1, PEOPLE),
        "fence": number,
        "destination_masked": "138****0000",
        "destination_hash": b"",
        "state": state,
        "started_at": at,
        "called_at": at,
        "deadline": at,
        "closed_at": closed,
        "settled_at": settled,
        "settled_by": by,
        "duration_s": talk,
        "callback_delay_s": round(pick.uniform(0, 4), 3) if by == "callback" else None,
    }
