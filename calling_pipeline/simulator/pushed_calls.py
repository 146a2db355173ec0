"""Calls that the simulated gateway took become call records of simulated Guanke: the loop of a batch closes.

A record carries the second of its push plus the ringing, and appears some minutes later. The pushing process says what time
it is (`req_time`), so a moved clock needs nothing more. With a file the records outlive the simulator: a later read of a day
must not find fewer than an earlier one.
"""

from __future__ import annotations

import datetime as dt
import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calling_pipeline import days
from calling_pipeline.simulator.true_rates import PLACES, TrueRates
from calling_pipeline.simulator.world import World

TASK = (3007, "批次外呼")
_FIRST_ID = 8_000_000_000
_RINGS_S, _APPEARS_S = (3, 40), (60, 360)
_GRADES = {9: "9元", 1: "1元"}


@dataclass(frozen=True)
class Pushed:
    """One push that was taken: Unix seconds of it, the number, and the gateway's key, which decides everything else."""

    at_s: int
    phone: str = field(repr=False)
    distinct_id: str


class PushedCalls:
    """Pushes of the gateway on their way into Guanke's lists. `path`: where they are kept, None for memory only."""

    def __init__(self, world: World, rates: TrueRates, path: Path | None = None) -> None:
        self._world, self._rates, self._path = world, rates, path
        self._waiting: list[tuple[int, int, dict[str, Any], int]] = []
        self._taken = 0
        self._newest_s = 0
        for pushed in _kept(path):
            self._enter(pushed)

    def take(self, distinct_id: str, phone: str, req_time: str) -> None:
        """The gateway took a call at `req_time` (Shanghai's wall clock, `YYYYMMDDHHMMSS000`)."""
        moment = dt.datetime.strptime(req_time[:14], "%Y%m%d%H%M%S").replace(tzinfo=days.SHANGHAI)
        pushed = Pushed(int(moment.timestamp()), phone, distinct_id)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([pushed.at_s, phone, distinct_id]) + "\n")
        self._enter(pushed)

    def now_s(self, own_s: int) -> int:
        """The time of this world: the simulator's own clock, or that of the newest push when it is later."""
        return max(own_s, self._newest_s)

    def appeared(self, now_s: int) -> Iterator[tuple[dict[str, Any], int]]:
        """The records (fields, yuan of the order) that have appeared by now and were not asked for before."""
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, fields, order = heapq.heappop(self._waiting)
            yield fields, order

    def _enter(self, pushed: Pushed) -> None:
        self._taken += 1
        self._newest_s = max(self._newest_s, pushed.at_s)
        random = self._world.random("pushed", pushed.distinct_id)
        called_s = pushed.at_s + random.randint(*_RINGS_S)
        appears_s = called_s + random.randint(*_APPEARS_S)
        fields, order = self._record(pushed, called_s)
        heapq.heappush(self._waiting, (appears_s, self._taken, fields, order))

    def _record(self, pushed: Pushed, called_s: int) -> tuple[dict[str, Any], int]:
        random = self._world.random("answered", pushed.distinct_id)
        province, city = self._world.random("segment", pushed.phone[:7]).choice(PLACES)
        local = dt.datetime.fromtimestamp(called_s, days.SHANGHAI)
        cell = (local.weekday(), local.hour, province)
        connected = random.random() < self._rates.connected(*cell)
        ordered = connected and random.random() < self._rates.ordered(*cell)
        order = random.choice((9, 1)) if ordered else 0
        return {
            "id": _FIRST_ID + self._taken,
            "taskId": TASK[0],
            "TaskName": TASK[1],
            "phone": f"{pushed.phone[:3]}****{pushed.phone[-4:]}",
            "realPhone": pushed.phone,
            "callTime": called_s,
            "callState": 2 if connected else 1,
            "duration": 1 + int(random.expovariate(1 / 55)) if connected else 0,
            "grade": _GRADES.get(order, random.choice((None, "A", "B", "C")) if connected else None),
            "userId": f"agent{random.randint(1, 40):02d}" if connected else None,
            "ccId": None,
            "deviceId": 21,
            "deviceName": "线路21",
            "hangupReason": "正常挂断" if connected else random.choice(("用户拒接", "无人接听", "关机")),
            "province": province,
            "city": city,
            "audio": None,
            "isCall": 1,
            "companyId": 88,
        }, order


def _kept(path: Path | None) -> Iterator[Pushed]:
    """What a file holds; a last line that a crash cut is left out."""
    if path is None or not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            at_s, phone, distinct_id = json.loads(line)
        except ValueError:
            continue
        yield Pushed(at_s, phone, distinct_id)
