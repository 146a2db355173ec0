"""T-10: eleven days in one sync, one day after another against two under way, each in a process of its own.

`SCALE=1` takes eleven days of 2,000,000 records, else it only tries the benchmark with few. The days are read three times:
first, again unchanged as every night, and unchanged one by one.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync import sync
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.benchmarks import scaling
from calling_pipeline_tests.benchmarks.support import database, simulator

FULL = os.environ.get("SCALE") == "1"
DAYS = 11
RECORDS = 2_000_000 if FULL else 2_000
LATENCY_MS = 20


def run() -> Iterator[dict[str, Any]]:
    """Seconds of each, microseconds of a record, and the peak memory of the syncing process."""
    with database() as url, simulator("--records-per-day", str(RECORDS), "--latency-ms", str(LATENCY_MS)) as vendor:
        base = url.set(drivername="postgresql").render_as_string(hide_password=False)
        first = _in_its_own_process(base, vendor, sync.DAYS_AT_ONCE)
        yield _line("t10_first", first)
        again = _in_its_own_process(base, vendor, sync.DAYS_AT_ONCE)
        alone = _in_its_own_process(base, vendor, 1)
        yield {**_line("t10_again", again), "baseline": "day after day", "baseline_s": alone["seconds"],
               "ratio": round(again["seconds"] / alone["seconds"], 3), "target": 1.0,
               "met": again["seconds"] <= alone["seconds"]}  # fmt: skip


def _line(name: str, found: dict[str, Any]) -> dict[str, Any]:
    each = found["seconds"] / max(found["records"], 1) * 1e6
    return {"benchmark": name, "days": DAYS, **found, "us_per_record": round(each, 1)}


def _in_its_own_process(database_url: str, vendor: str, at_once: int) -> dict[str, Any]:
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, database_url, f"{vendor}/guanke", str(at_once)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the sync of the range failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(database_url: str, vendor: str, at_once: str, times: str = "1") -> None:
    """Syncs of the range, one after another, as `stats sync` and the schedules make them; says how the last one went."""
    sync.DAYS_AT_ONCE = int(at_once)
    runtime = Runtime(load(database_url=database_url, guanke_base_url=vendor, secret_key="a key for benchmarks"))
    last = days.today() - dt.timedelta(days=1)
    wanted = [last - dt.timedelta(days=number) for number in range(DAYS)]
    for _ in range(int(times)):
        begun = time.perf_counter()
        results = sync.sync_days(
            runtime.engine, guanke_client(runtime), "grade", wanted, sync_type="t10", phone_key=runtime.phone_key
        )
        seconds = time.perf_counter() - begun
    records = sum(result.proof.distinct_ids for result in results)
    print(json.dumps({"seconds": round(seconds, 3), "records": records, "peak_mb": int(scaling.peak_mb())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
