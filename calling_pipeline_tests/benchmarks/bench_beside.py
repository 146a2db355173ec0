"""Cached reads over HTTP and allocations, while nothing else runs and while a T-10 and a large batch run beside them.

Both are asked at a steady pace, as pages and collectors ask. Vendors stand on other machines in life: their stand-ins run
here with the lowest priority. `SCALE=1` takes eleven days of 200,000 records and a batch of 50,000 calls, and looks for a
minute each.
"""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import psycopg
from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.pool import allocation
from calling_pipeline.telephony.records import Allocation
from calling_pipeline_tests.benchmarks import bench_call_batches, scaling, support
from calling_pipeline_tests.benchmarks.bench_telephony import api_process, settings_of
from calling_pipeline_tests.telephony.support import set_up

RECORDS, CALLS, LOOK_S = (200_000, 50_000, 60.0) if scaling.FULL else (20_000, 5_000, 6.0)
CALLS_PER_S = 100
READS_PER_S, ALLOCATIONS_PER_S = 50, 25
MOST_RATIO = 3.0
DAY = days.today() - dt.timedelta(days=1)


def run() -> Iterator[dict[str, Any]]:
    """Two lines: reads and allocations."""
    with (
        support.database() as url,
        tempfile.TemporaryDirectory() as home,
        support.simulator("--records-per-day", str(RECORDS), "--latency-ms", "20") as vendor,
    ):
        _step_back()
        _fill(url, home, vendor)
        with api_process(url, home) as api:
            _look(url, api, 1.0)  # the first requests prepare statements
            quiet = _look(url, api, LOOK_S)
            with _beside(url, home, vendor) as still_run:
                busy = _look(url, api, LOOK_S)
                ran_on = still_run()
    for name in quiet:
        ratio = support.percentile(busy[name], 0.99) / support.percentile(quiet[name], 0.99)
        yield {
            "benchmark": f"beside_{name}", "p50_ms": _ms(busy[name], 0.5), "p99_ms": _ms(busy[name], 0.99),
            "asked": len(busy[name]), "baseline": "nothing beside it", "baseline_p50_ms": _ms(quiet[name], 0.5),
            "baseline_p99_ms": _ms(quiet[name], 0.99), "ratio": round(ratio, 2), "beside": ran_on,
            "target": f"p99 <= {MOST_RATIO} x quiet", "met": ratio <= MOST_RATIO and all(ran_on.values()),
            "full": scaling.FULL,
        }  # fmt: skip


def _ms(values: list[float], share: float) -> float:
    return round(support.percentile(values, share) * 1000, 2)


def _step_back() -> None:
    """The simulator takes the processor only when nobody else wants it."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "simulator" in child.cmdline():
                child.nice(19)


def _fill(url: URL, home: str, vendor: str) -> None:
    runtime = Runtime(settings_of(url, home).model_copy(update={"guanke_base_url": f"{vendor}/guanke"}))
    sync_days(runtime.engine, guanke_client(runtime), "grade", [DAY], sync_type="manual", phone_key=runtime.phone_key)
    set_up(runtime, "http://127.0.0.1:9/api", lines=100, agents_=100)
    runtime.close()
    bench_call_batches.fill_clean(url, CALLS)
    bench_call_batches.add_task(url, rate_per_s=CALLS_PER_S)


def _look(url: URL, api: str, seconds: float) -> dict[str, list[float]]:
    """Seconds of each read and of each allocation, asked at the same time."""
    found: dict[str, list[float]] = {"reads": [], "allocations": []}
    host, port = api.removeprefix("http://").split(":")
    request = f"GET /api/stats/grade-stats?date={DAY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n"
    with (
        socket.create_connection((host, int(port))) as reader,
        psycopg.connect(driver_dsn(url), autocommit=True) as connection,
    ):
        asks = {
            "reads": (READS_PER_S, lambda turn: _read(reader, request.encode())),
            "allocations": (ALLOCATIONS_PER_S, lambda turn: _allocate(connection, 1 + turn % 100)),
        }
        threads = [
            threading.Thread(target=_at_pace, args=(act, per_s, seconds, found[name])) for name, (per_s, act) in asks.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def _at_pace(act: Callable[[int], float], per_s: int, seconds: float, found: list[float]) -> None:
    """One that begins late because the one before took long counts from when it was due."""
    begun = time.perf_counter()
    for turn in range(int(per_s * seconds)):
        due = begun + turn / per_s
        late = max(0.0, time.perf_counter() - due)
        time.sleep(max(0.0, due - time.perf_counter()))
        found.append(late + act(turn))


def _read(reader: socket.socket, request: bytes) -> float:
    begun = time.perf_counter()
    reader.sendall(request)
    answer = reader.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += reader.recv(65_536)
    assert head.startswith(b"HTTP/1.1 200"), head
    return time.perf_counter() - begun


def _allocate(connection: psycopg.Connection[Any], collector: int) -> float:
    begun = time.perf_counter()
    allocated = allocation.allocate(connection, 1, collector, strategy="lru")
    spent = time.perf_counter() - begun
    assert isinstance(allocated, Allocation), allocated
    allocation.release(connection, allocated)
    return spent


@contextmanager
def _beside(url: URL, home: str, vendor: str) -> Iterator[Callable[[], dict[str, bool]]]:
    """One T-10 after another and a batch, each in a process of its own; asked, whether they still run."""
    base = url.set(drivername="postgresql").render_as_string(hide_password=False)
    python = [sys.executable, "-m"]
    started = {
        "t10": [*python, f"{__package__}.bench_range_sync", base, f"{vendor}/guanke", "2", "100"],
        "batch": [*python, f"{__package__}.bench_beside", base, f"{vendor}/gateway", home],
    }
    nowhere = subprocess.DEVNULL
    processes = {name: subprocess.Popen(command, stdout=nowhere, stderr=nowhere) for name, command in started.items()}
    try:
        _wait_until_both_work(url, days_read=1)
        yield lambda: {name: process.poll() is None for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def _wait_until_both_work(url: URL, *, days_read: int) -> None:
    deadline = time.monotonic() + 120
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        while time.monotonic() < deadline:
            read, pushed = connection.execute(
                "SELECT (SELECT count(*) FROM fetch_proofs), (SELECT count(*) FROM call_log)"
            ).fetchone() or (0, 0)
            if read > days_read and pushed > 0:
                return
            time.sleep(0.1)
    raise RuntimeError("the T-10 and the batch did not begin within two minutes")


def main(address: str, gateway: str, home: str) -> None:
    """Plan and push the batch."""
    settings = load(
        home=home, database_url=address, gateway_url=gateway, secret_key="a key of the benchmark",
        gateway_rate_per_s=CALLS_PER_S, **bench_call_batches.ACCOUNT,
    )  # fmt: skip
    runtime = Runtime(settings)
    batch = runs.plan_task(runtime.engine, "bench")
    runs.push(BatchDependencies.from_runtime(runtime), batch.id)
    runtime.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
