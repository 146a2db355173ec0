"""A process that pushes a batch and stops, for a test to kill it, at a chosen point of a chosen call.

Arguments: database URL, gateway URL, batch, point, number of the call. Says `now` on standard output when it has stopped.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import time
from typing import Any, Self

from calling_pipeline.call_batches.dependencies import BatchDependencies, dial_gateway
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.vendors.dial_gateway import DialGateway, Push, PushAnswer
from calling_pipeline_tests.support import LIMIT_S


class StoppingGateway:
    """The real client, which stops at the point. `after_claim` and `after_send` stop that call only, `after_answer` and
    `between_chunks` the whole process, so that nothing more is committed."""

    def __init__(self, inner: DialGateway, point: str, stop_at: int) -> None:
        self._inner = inner
        self._point = point
        self._stop_at = stop_at
        self._calls = 0

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *what: Any) -> None:
        await self._inner.__aexit__(*what)

    async def push(self, push: Push) -> PushAnswer:
        self._calls += 1
        here = self._calls == self._stop_at
        if here and self._point == "after_claim":
            stop()
        if here and self._point == "after_send":
            sending = asyncio.create_task(self._inner.push(push))
            await asyncio.sleep(0.01)
            say()
            await sending
            time.sleep(600)
        answer = await self._inner.push(push)
        if here:
            stop()
        return answer


def say() -> None:
    print("now", flush=True)


def stop() -> None:
    say()
    time.sleep(600)


def main() -> None:
    database, gateway, batch, point, stop_at = sys.argv[1:]
    given: dict[str, Any] = {"gateway_event_code": "event", "gateway_target_obj_id": "target", "gateway_rate_per_s": 5000,
                             "gateway_timeout_s": LIMIT_S}  # fmt: skip
    key = "a key for tests that is long enough"
    runtime = Runtime(load(database_url=database, gateway_url=gateway, secret_key=key, **given))
    made = BatchDependencies.from_runtime(runtime, by="doomed")

    def maker(*, concurrency: int | None = None) -> Any:
        return StoppingGateway(dial_gateway(runtime.settings, concurrency=concurrency), point, int(stop_at))

    runs.push(dataclasses.replace(made, gateway=maker), int(batch))
    runtime.close()


if __name__ == "__main__":
    main()
