"""A call centre on a moved clock: collectors who click, an Infinity that loses callbacks, and the sweep."""

from __future__ import annotations

import dataclasses
import datetime as dt
import heapq
import itertools
import random
from typing import Any

import psycopg

from calling_pipeline import days
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls import store as call_store
from calling_pipeline.telephony.calls.making import make_call
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.records import CallWish
from calling_pipeline.vendors.infinity.callbacks import CallReport
from calling_pipeline.vendors.infinity.records import CallAnswer, CallRequest

BEGINNING_S = 1.0
"""For so long after it accepted a call, Infinity reports the extension idle."""
AGAIN_S = 5.0
PAUSE_S = 1.0
SWEEP_S = 30.0


@dataclasses.dataclass
class Line:
    """One extension's newest call."""

    began: float
    ends: float


class Switchboard:
    """`loss`: share of callbacks that never come. Times are seconds since the beginning."""

    def __init__(self, runtime: Runtime, *, tenant_id: int, collectors: int, loss: float, seed: int = 7) -> None:
        self.runtime = runtime
        self.tenant_id = tenant_id
        self.random = random.Random(seed)
        self.loss = loss
        self.start = days.now()
        self.now = 0.0
        self.lines: dict[str, Line] = {}
        self.calls = self.overlaps = self.lost = self.questions = 0
        self.phones = itertools.count(1)
        self.order = itertools.count()
        self.events: list[tuple[float, int, str, Any]] = []
        for number in range(1, collectors + 1):
            self.at(self.random.random() * AGAIN_S, "click", number)
        self.at(SWEEP_S, "sweep", None)

    def at(self, when: float, what: str, about: Any) -> None:
        heapq.heappush(self.events, (when, next(self.order), what, about))

    async def make_call(self, call: CallRequest) -> CallAnswer:
        """Infinity's side: the call is accepted, rings, perhaps is answered, and ends."""
        line = self.lines.get(call.extension)
        self.overlaps += line is not None and line.ends > self.now
        self.calls += 1
        length = self.random.uniform(0.5, 2.0) + (self.random.uniform(3, 20) if self.random.random() < 0.6 else 0.0)
        length += BEGINNING_S
        self.lines[call.extension] = Line(self.now, self.now + length)
        lost = self.random.random() < self.loss
        self.lost += lost
        self.at(self.now + length, "lost" if lost else "callback", (call.reference, int(call.collector)))
        return CallAnswer("done", call_uuid=call.reference)

    async def line_status(self, extension: str) -> str:
        """Infinity's side: what the extension is doing; idle for a moment after the call was accepted."""
        self.questions += 1
        line = self.lines.get(extension)
        talking = line is not None and line.began + BEGINNING_S <= self.now < line.ends
        return "talking" if talking else "idle"

    async def run(self, seconds: float) -> int:
        """Let the centre work; the number of calls made."""
        client: Any = self
        deps = TelephonyDependencies(
            self.runtime.transaction, self.runtime.secrets, self.runtime.phone_key, lambda _: client
        )
        async with await psycopg.AsyncConnection.connect(driver_dsn(self.runtime.database_url), autocommit=True) as driver:
            while self.events and self.events[0][0] <= seconds:
                self.now, _, what, about = heapq.heappop(self.events)
                days.set_clock(lambda: self.start + dt.timedelta(seconds=self.now))
                if what == "click":
                    await self._click(deps, about)
                elif what == "sweep":
                    await sweep(deps)
                    self.at(self.now + SWEEP_S, "sweep", None)
                else:
                    if what == "callback":
                        await self._call_back(driver, about[0])
                    self.at(self.now + PAUSE_S, "click", about[1])
        return self.calls

    async def _click(self, deps: TelephonyDependencies, collector: int) -> None:
        outcome = await make_call(deps, CallWish(self.tenant_id, collector, f"138{next(self.phones):08d}"))
        if outcome.kind == "refused":
            self.at(self.now + AGAIN_S, "click", collector)

    async def _call_back(self, driver: Any, call_uuid: str) -> None:
        report = CallReport(call_uuid, "", "connected", 1, "", "", None)
        mine = "SELECT id FROM infinity_configs WHERE tenant_id = %s"
        (config_id,) = await (await driver.execute(mine, [self.tenant_id])).fetchone()
        await call_store.keep_callback(
            driver,
            report,
            config_id=config_id,
            body_digest=call_uuid.encode(),
            signed_at=days.now(),
            now=days.now(),
        )
