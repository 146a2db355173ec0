"""What 30,000 requests leave behind in the API's process: memory, file handles, connections to the database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import sqlalchemy as sa

from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.benchmarks.support import database, free_port, simulator

REQUESTS = int(os.environ.get("CALLING_BENCH_SOAK_REQUESTS", "30000"))
WARM_UP = 5000
LOOKS = 6
MOST_MB_PER_10000 = 1.0
TOKEN = "benchmark-token"
_PATHS = (
    "/api/v1/calls/batches",
    "/api/v1/alerts",
    "/api/stats/grade-stats?date=2026-01-01",
    "/api/tasks/none",
    "/api/v1/infinity/calls",
    "/api/v1/policy/holidays",
    "/api/v1/notifications/status",
    "/api/v1/no-such-thing",
)


def run() -> Iterator[dict[str, Any]]:
    """Reads of every room, saves, refusals, wrong bodies and wrong tokens, in turns, over kept connections."""
    with database() as url, simulator("--records-per-day", "100") as vendors:
        port = free_port()
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        environment = {
            **os.environ,
            "CALLING_DATABASE_URL": dsn,
            "CALLING_SECRET_KEY": "a key for benchmarks, long enough",
            "CALLING_API_TOKENS": f'{{"{TOKEN}": {{"role": "admin"}}}}',
            "CALLING_GUANKE_BASE_URL": f"{vendors}/guanke",
        }
        command = [sys.executable, "-m", "calling_pipeline.cli.main", "api", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            engine = make_engine(url)
            looks = _soaked(f"http://127.0.0.1:{port}", psutil.Process(process.pid), engine)
            engine.dispose()
        finally:
            process.terminate()
            process.wait(60)
    first, last = looks[0], looks[-1]
    slope = (last[0] - first[0]) / REQUESTS * 10_000
    yield {
        "benchmark": "soak_memory",
        "unit": "MB per 10,000 requests",
        "ours": round(slope, 3),
        "target": MOST_MB_PER_10000,
        "met": slope <= MOST_MB_PER_10000,
        "rss_mb": [round(look[0], 1) for look in looks],
    }
    for name, place in (("file handles", 1), ("connections", 2)):
        grown = max(look[place] for look in looks[1:]) - first[place]
        seen = [int(look[place]) for look in looks]
        yield {"benchmark": f"soak_{name.replace(' ', '_')}", "ours": grown, "target": 2, "met": grown <= 2, "seen": seen}


def _soaked(api: str, process: psutil.Process, engine: sa.Engine) -> list[tuple[float, int, int]]:
    """RSS in MB, handles and connections after the warm-up and after each part of the requests."""
    with httpx.Client(base_url=api, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        _wait(client)
        _ask(client, WARM_UP)
        looks = [_look(process, engine)]
        for _ in range(LOOKS):
            _ask(client, REQUESTS // LOOKS)
            looks.append(_look(process, engine))
    return looks


def _ask(client: httpx.Client, times: int) -> None:
    for number in range(times):
        match number % 12:
            case 0:
                client.post(f"/api/tasks/soak-{number % 500}", json={"state": "pending", "feature": "soak", "credits": 1})
            case 1:
                client.post("/api/v1/calls/tasks", content=b"[[[[")
            case 2:
                client.post("/api/v1/infinity/make-call", json={"tenant_id": 1, "collector_id": 1, "phone": "13800000000"})
            case _:
                client.get(_PATHS[number % len(_PATHS)])


def _look(process: psutil.Process, engine: sa.Engine) -> tuple[float, int, int]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        connections = int(found.scalar_one())
    return process.memory_info().rss / 1e6, process.num_fds(), connections


def _wait(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the API did not come up")
