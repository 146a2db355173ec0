"""The calls of Guanke's days: seeded, plausible, with every dirty spelling of a grade, encoded once and cut into pages."""

from __future__ import annotations

import bisect
import datetime as dt
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from calling_pipeline import days
from calling_pipeline.simulator.true_rates import PLACES, TrueRates
from calling_pipeline.simulator.world import World

_UNUSED_SERIES = ("154", "174", "179")
"""Of the mobiles that begin with 13, 15, 17 and 18."""

GRADES: tuple[tuple[str | None, int, int], ...] = (
    (None, 0, 520),
    ("", 0, 180),
    ("A", 0, 40),
    ("B", 0, 60),
    ("C", 0, 70),
    ("D", 0, 40),
    ("F", 0, 20),
    ("9元", 9, 14),
    ("9", 9, 6),
    ("A(9元)", 9, 6),
    ("9元 已办理", 9, 3),
    ("B级(9元)", 9, 3),
    ("办理9元和1元", 9, 2),
    ("1元", 1, 20),
    ("1", 1, 8),
    ("B(1元)", 1, 6),
    ("1元体验", 1, 4),
    ("19元", 0, 4),
    ("11元", 0, 4),
    ("A(19元)", 0, 2),
    ("91元", 0, 1),
)
"""Text, the order it truly is (9, 1 or 0 yuan), and its weight."""

_TASKS = ("老客回访一组", "老客回访二组", "新客首拨", "流失召回", "续约提醒", "体验升级")
_AGENTS = [f"agent{number:02d}" for number in range(1, 41)]
_HANGUPS = ("正常挂断", "用户拒接", "无人接听", "关机", "空号", "停机")
_OPENS_S, _CLOSES_S = 8 * 3600, 21 * 3600


@dataclass
class Call:
    """One call and what is true about it."""

    fields: dict[str, Any]
    order: int

    @cached_property
    def encoded(self) -> bytes:
        return json.dumps(self.fields, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class Day:
    """The calls of one day, oldest first; `moments` are their Unix seconds."""

    date: dt.date
    calls: list[Call]
    moments: list[int] = field(default_factory=list)
    version: int = 0
    pages: dict[tuple[int, ...], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.moments = [_seconds(call.fields["callTime"]) for call in self.calls]

    def between(self, first_s: int, last_s: int) -> tuple[int, int]:
        """Positions of the calls with `first_s` ≤ call time ≤ `last_s`, half-open."""
        return bisect.bisect_left(self.moments, first_s), bisect.bisect_right(self.moments, last_s)

    def add(self, call: Call) -> None:
        """One more call, in its place by time."""
        moment = _seconds(call.fields["callTime"])
        place = bisect.bisect_right(self.moments, moment)
        self.calls.insert(place, call)
        self.moments.insert(place, moment)
        self.changed()

    def changed(self) -> None:
        """Forget encoded pages: a call was changed or added."""
        self.pages.clear()
        self.version += 1


class Days:
    """All days of the world, made when first asked for. `sizes` overrides the number of calls of single days."""

    def __init__(self, world: World, rates: TrueRates) -> None:
        self._world, self._rates = world, rates
        self._days: dict[dt.date, Day] = {}
        self._added: defaultdict[dt.date, list[Call]] = defaultdict(list)
        self.sizes: dict[dt.date, int] = {}

    def day(self, date: dt.date) -> Day:
        """The whole day, the part of it that lies in the future included."""
        if date not in self._days:
            size = self.sizes.get(date, self._world.records_per_day)
            made = self._days[date] = Day(date, make_calls(self._world, date, size, self._rates))
            for call in self._added[date]:
                made.add(call)
        return self._days[date]

    def add(self, call: Call) -> None:
        """A call that somebody made; it stays when the day is made anew."""
        date = dt.datetime.fromtimestamp(_seconds(call.fields["callTime"]), days.SHANGHAI).date()
        self.day(date).add(call)
        self._added[date].append(call)

    def resize(self, date: dt.date, calls: int) -> None:
        """Make the day anew with another number of calls."""
        self.sizes[date] = calls
        self._days.pop(date, None)

    def reset(self) -> None:
        """Forget every change: the days are those of the seed again."""
        self.sizes.clear()
        self._days.clear()


def _mobile(random: Random) -> str:
    """A mobile of a series that is in use."""
    phone = f"1{random.choice('3578')}{random.randrange(10**9):09d}"
    return f"{phone[:2]}0{phone[3:]}" if phone[:3] in _UNUSED_SERIES else phone


def make_calls(world: World, date: dt.date, count: int, rates: TrueRates | None = None) -> list[Call]:
    """`count` calls of one day, oldest first: between 08:00 and 21:00, in working hours more than at their edges.

    In a world whose hours differ, `rates` decides who answers and who orders.
    """
    random = world.random("guanke", date)
    midnight = int(days.day_bounds(date)[0].timestamp())
    moments = sorted(midnight + int(random.triangular(_OPENS_S, _CLOSES_S, 15 * 3600)) for _ in range(count))
    first_id = (date - dt.date(2020, 1, 1)).days * 1_000_000
    spellings = random.choices(GRADES, weights=[weight for _, _, weight in GRADES], k=count)
    states = random.choices((0, 1, 2), weights=(3, 52, 45), k=count)
    calls, phones = list[Call](), list[str]()
    for number, moment in enumerate(moments):
        duration, contacts = random.choice(world.real_calls) if world.real_calls else (int(random.expovariate(1 / 55)), 1)
        repeated = phones and random.random() < (0.04 if not world.real_calls else min(0.5, (contacts - 1) / 10))
        phone = random.choice(phones) if repeated else _mobile(random)
        phones.append(phone)
        state = states[number]
        text, order, _ = spellings[number] if state == 2 else (None, 0, 0)
        place, task = random.choice(PLACES), random.randrange(len(_TASKS))
        masked = random.random() < 0.03
        if rates is not None and world.hour_effect:
            state, text, order = _answered(world.random("answered", date, number), rates, moment, place[0])
        calls.append(
            Call(
                {
                    "id": str(first_id + number) if random.random() < 0.02 else first_id + number,
                    "taskId": 3001 + task,
                    "TaskName": _TASKS[task],
                    "phone": f"{phone[:3]}****{phone[-4:]}",
                    **({} if masked else {"realPhone": phone}),
                    "callTime": moment * 1000 + random.randrange(1000) if random.random() < 0.05 else moment,
                    "callState": state,
                    "duration": max(1, duration) if state == 2 else 0,
                    "grade": text,
                    "userId": random.choice(_AGENTS) if state == 2 else None,
                    "ccId": None,
                    "deviceId": 11 + number % 8,
                    "deviceName": f"线路{11 + number % 8}",
                    "hangupReason": _HANGUPS[0] if state == 2 else random.choice(_HANGUPS[1:]),
                    "province": place[0],
                    "city": place[1],
                    "audio": None,
                    "isCall": 1,
                    "companyId": 88,
                },
                order,
            )
        )
    return calls


def _answered(random: Random, rates: TrueRates, moment: int, province: str) -> tuple[int, str | None, int]:
    """State, grade and order of a call where the hour counts."""
    local = dt.datetime.fromtimestamp(moment, days.SHANGHAI)
    cell = (local.weekday(), local.hour, province)
    if random.random() >= rates.connected(*cell):
        return 1, None, 0
    brings = random.random() < rates.ordered(*cell)
    text, order, _ = random.choice([one for one in GRADES if bool(one[1]) == brings])
    return 2, text, order


def task_rows(calls: list[Call]) -> list[dict[str, Any]]:
    """What the vendor's task statistics say about these calls."""
    tasks: dict[int, Counter[str]] = {}
    names: dict[int, str] = {}
    for call in calls:
        fields = call.fields
        names[fields["taskId"]] = fields["TaskName"]
        counts = tasks.setdefault(fields["taskId"], Counter())
        counts["callout"] += fields["callState"] >= 1
        counts["called"] += fields["callState"] == 2
        counts["success"] += call.order != 0
    return [
        {
            "task_id": task,
            "task_name": names[task],
            "callout_number": counts["callout"],
            "called_number": counts["called"],
            "success_number": counts["success"],
            "intention_number": counts["called"],
            "intention_number2": 0,
        }
        for task, counts in sorted(tasks.items())
    ]


def truth(date: dt.date, calls: list[Call]) -> dict[str, Any]:
    """Everything a test may want to compare, counted by the orders the world made and not by any rule about text."""
    tasks = task_rows(calls)
    hours, agents, orders = Counter[int](), Counter[str](), Counter[int]()
    for call in calls:
        orders[call.order] += 1
        if call.order:
            hours[dt.datetime.fromtimestamp(_seconds(call.fields["callTime"]), days.SHANGHAI).hour] += 1
            agents[call.fields["userId"] or ""] += 1
    called, dialled = sum(row["called_number"] for row in tasks), sum(row["callout_number"] for row in tasks)
    return {
        "date": date.isoformat(),
        "total_records": len(calls),
        "grade_9": orders[9],
        "grade_1": orders[1],
        "total_success": orders[9] + orders[1],
        "task_stats": {
            "total_tasks": len(tasks),
            "callout_number": dialled,
            "called_number": called,
            "success_number": sum(row["success_number"] for row in tasks),
            "connected_rate": round(100 * called / dialled, 2) if dialled else 0,
        },
        "orders_by_hour": dict(sorted(hours.items())),
        "orders_by_agent": dict(sorted(agents.items())),
        "ids": [int(call.fields["id"]) for call in calls],
    }


def _seconds(call_time: int) -> int:
    return call_time // 1000 if call_time > 10**12 else call_time
