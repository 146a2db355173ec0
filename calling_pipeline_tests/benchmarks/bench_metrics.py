"""What noting numbers for `/metrics` costs a request: the API's CPU with it and without, side by side.

The scrape itself is measured with the console, over its rows (`bench_console`).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil

from calling_pipeline_tests.benchmarks.support import database, free_port

REQUESTS = int(os.environ.get("CALLING_BENCH_METRICS_REQUESTS", "4000"))
ROUNDS, AT_ONCE, MOST = 5, 8, 1.1
TOKEN = "benchmark-token"
_MEASURED, _UNMEASURED = "calling_pipeline.cli.main", "calling_pipeline_tests.benchmarks.unmeasured"
_PATHS = ("/api/stats/grade-stats?date=2026-01-01", "/api/stats/task-stats?date=2026-01-01", "/healthz")


def run() -> Iterator[dict[str, Any]]:
    """The least of alternating rounds on both sides, in microseconds of CPU for a request of three kinds in turn."""
    with database() as url, _server(_MEASURED, url) as measured, _server(_UNMEASURED, url) as unmeasured:
        least = {_MEASURED: float("inf"), _UNMEASURED: float("inf")}
        for number in range(ROUNDS + 1):
            for name, (port, process) in ((_MEASURED, measured), (_UNMEASURED, unmeasured)):
                used_us = asyncio.run(_cpu_us(port, process))
                if number:  # the first round warms both up
                    least[name] = min(least[name], used_us)
    ours, baseline = least[_MEASURED], least[_UNMEASURED]
    yield {
        "benchmark": "cpu_of_a_request_with_measures", "unit": "us", "ours": round(ours), "baseline": round(baseline),
        "ratio": round(ours / baseline, 3), "target": MOST, "met": ours / baseline <= MOST,
    }  # fmt: skip


@contextmanager
def _server(module: str, url: Any) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    environment = {
        **os.environ,
        "CALLING_DATABASE_URL": url.set(drivername="postgresql").render_as_string(hide_password=False),
        "CALLING_SECRET_KEY": "a key for benchmarks, long enough",
        "CALLING_API_TOKENS": f'{{"{TOKEN}": {{"role": "viewer"}}}}',
    }
    command = [sys.executable, "-m", module, "api", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


async def _cpu_us(port: int, process: psutil.Process) -> float:
    """CPU of the server for a request; what it writes every few seconds is in it."""
    before = process.cpu_times()
    await asyncio.gather(*(_client(port, REQUESTS // AT_ONCE) for _ in range(AT_ONCE)))
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / REQUESTS * 1e6


async def _client(port: int, requests: int) -> None:
    """A keep-alive client on a bare socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(requests):
        path = _PATHS[number % len(_PATHS)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.startswith(b"content-length"))
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
