"""Reading a cached day over HTTP, token checked, against a bare one-query ASGI endpoint on the same server (uvicorn,
psycopg pool) and against the old system's kind of endpoint (Flask, ORM, gunicorn). One database, one client program."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from calling_pipeline import days
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people
from calling_pipeline.access.tokens import tokens
from calling_pipeline.api.auth import SESSION_COOKIE
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.benchmarks.support import database, free_port, percentile, simulator, towards

TOKEN = "benchmark-token"
KEY = "a key for benchmarks, long enough"
REQUESTS = 4000
ROUNDS = 3
_HERE = Path(__file__).parent


def run() -> Iterator[dict[str, Any]]:
    """Requests/s with eight clients and p99 with one, each the best of three alternating rounds."""
    with database() as url, simulator("--records-per-day", "2000") as vendors:
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        day = days.today() - dt.timedelta(days=1)
        proofs = {"bearer": f"Authorization: Bearer {TOKEN}", **_fill(dsn, vendors, day)}
        environment = {
            **os.environ,
            "CALLING_DATABASE_URL": dsn,
            "CALLING_SECRET_KEY": KEY,
            "CALLING_API_TOKENS": f'{{"{TOKEN}": {{"role": "viewer"}}}}',
        }
        with _servers(environment) as ports:
            asked = {name: (port, proofs["bearer"]) for name, port in ports.items()}
            asked |= {name: (ports["ours"], proofs[name]) for name in ("stored token", "session")}
            figures = {name: {"rate": 0.0, "p99_ms": float("inf")} for name in asked}
            for _ in range(ROUNDS):
                for name, (port, proof) in asked.items():
                    per_s, p99_ms = asyncio.run(_measure(port, day, proof))
                    figures[name]["rate"] = max(figures[name]["rate"], per_s)
                    figures[name]["p99_ms"] = min(figures[name]["p99_ms"], p99_ms)
    ours, bare, old = figures["ours"], figures["bare"], figures["old"]
    p99 = _line("cached_read_p99", ours["p99_ms"], bare["p99_ms"], "one-client p99, ms", 5.0, ours["p99_ms"] <= 5.0)
    yield {**p99, **towards(1.5, ours["p99_ms"] <= 1.5 * bare["p99_ms"])}
    rate = _line(
        "cached_read_rate_vs_bare_asgi", ours["rate"], bare["rate"], "requests/s", ">= 1/2", ours["rate"] >= bare["rate"] / 2
    )
    yield {**rate, **towards(0.6, ours["rate"] >= 0.6 * bare["rate"])}
    yield _line("cached_read_rate_vs_flask_orm", ours["rate"], old["rate"], "requests/s", "> 1", ours["rate"] > old["rate"])
    for name in ("stored token", "session"):
        per_s = figures[name]["rate"]
        yield _line(
            f"cached_read_rate_by_{name.replace(' ', '_')}",
            per_s,
            ours["rate"],
            "requests/s",
            ">= 0.9",
            per_s >= 0.9 * ours["rate"],
        )


def _line(name: str, ours: float, baseline: float, unit: str, target: object, met: bool) -> dict[str, Any]:
    return {
        "benchmark": name,
        "unit": unit,
        "ours": round(ours, 2),
        "baseline": round(baseline, 2),
        "ratio": round(ours / baseline, 3),
        "target": target,
        "met": met,
    }


def _fill(dsn: str, vendors: str, day: dt.date) -> dict[str, str]:
    """Sync the day; headers by which a person proves who they are: a stored token, a session."""
    runtime = Runtime(
        load(database_url=dsn, secret_key="a key for benchmarks, long enough", guanke_base_url=f"{vendors}/guanke")
    )
    sync_days(runtime.engine, guanke_client(runtime), "grade", [day], sync_type="manual", phone_key=runtime.phone_key)
    with runtime.transaction() as connection:
        people.add(connection, "reader", "viewer", by="benchmark")
        _, token = tokens.issue(connection, "reader", label="", by="benchmark")
        link = login.make_link(connection, "reader", by="benchmark")
    session = login.by_link(runtime.engine, link, address="127.0.0.1")
    runtime.close()
    return {"stored token": f"Authorization: Bearer {token}", "session": f"Cookie: {SESSION_COOKIE}={session.secret}"}


@contextmanager
def _servers(environment: dict[str, str]) -> Iterator[dict[str, int]]:
    ports = {name: free_port() for name in ("ours", "bare", "old")}
    baselines = "calling_pipeline_tests.benchmarks.reading_baselines"
    python = [sys.executable, "-m"]
    quiet = ["--log-level", "warning", "--no-access-log"]
    workers = ["-w", "2", "--threads", "4"]
    commands = {
        "ours": [*python, "calling_pipeline.cli.main", "api", "--port", str(ports["ours"])],
        "bare": [*python, "uvicorn", f"{baselines}:bare", "--port", str(ports["bare"]), *quiet],
        "old": [*python, "gunicorn", f"{baselines}:old()", "-b", f"127.0.0.1:{ports['old']}", *workers],
    }
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for command in commands.values()]
    try:
        for port in ports.values():
            _wait_for(port)
        yield ports
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


async def _measure(port: int, day: dt.date, proof: str) -> tuple[float, float]:
    request = f"GET /api/stats/grade-stats?date={day} HTTP/1.1\r\nHost: x\r\n{proof}\r\n\r\n".encode()
    alone = await _client(port, request, 1000)
    begun = time.perf_counter()
    await asyncio.gather(*(_client(port, request, REQUESTS // 8) for _ in range(8)))
    return REQUESTS / (time.perf_counter() - begun), percentile(alone, 0.99) * 1000


async def _client(port: int, request: bytes, count: int) -> list[float]:
    """A keep-alive client on a bare socket, so that the client costs the servers' core as little as it can."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not answered with 200: {head[:80]!r}")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        times.append(time.perf_counter() - begun)
    writer.close()
    await writer.wait_closed()
    return times


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
