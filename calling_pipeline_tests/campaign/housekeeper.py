"""A process that does what sensors do: it ends calls left open, marks orphaned claims and matches callbacks."""

from __future__ import annotations

import asyncio
import sys
import time

from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.calls.sweep import sweep
from calling_pipeline.telephony.dependencies import TelephonyDependencies

ROUNDS = 20


async def _sweep(runtime: Runtime) -> None:
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        await sweep(deps)


def main() -> None:
    """A few rounds; the campaign starts it again."""
    runtime = Runtime(load())
    for _ in range(ROUNDS):
        try:
            asyncio.run(_sweep(runtime))
            lifecycle.recover(runtime.engine, by="housekeeper")
        except (CallingError, OSError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        time.sleep(2)


if __name__ == "__main__":
    main()
