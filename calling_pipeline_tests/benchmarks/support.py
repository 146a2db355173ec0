"""What benchmarks share: a database of their own, a simulator process, and timing."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.engine import business_url, make_engine


@contextmanager
def database() -> Iterator[URL]:
    """A migrated database on a server of its own, with the product's own server settings; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="calling-bench-") as folder:
        Path(folder).chmod(0o755)
        server = embedded.start(Path(folder) / "postgres")
        url = business_url(server.get_uri()).set(database="bench")
        admin = sa.create_engine(business_url(server.get_uri()), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with admin.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE bench")
        engine = make_engine(url)
        migrate.upgrade(engine)
        engine.dispose()
        try:
            yield url
        finally:
            server.cleanup()


@contextmanager
def simulator(*options: str) -> Iterator[str]:
    """A simulator process started with `options`; yields its URL."""
    command = [sys.executable, "-m", "calling_pipeline.cli.main", "simulator", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    try:
        if "http://" not in line:
            raise RuntimeError(f"the simulator did not start: {line}")
        yield "http://" + line.rsplit("http://", 1)[1].strip()
    finally:
        process.terminate()
        process.wait(60)
        process.stderr.close()


def median_s(act: Callable[[], object], *, runs: int = 3, warmup: int = 1) -> float:
    """Median wall-clock seconds of `act` over `runs`, after `warmup` uncounted ones."""
    times = []
    for number in range(warmup + runs):
        begun = time.perf_counter()
        act()
        if number >= warmup:
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def towards(limit: float, reached: bool) -> dict[str, Any]:
    """What a line says of the goal beyond its own: how near to the bare statement or client it could be at all."""
    return {"limit": limit, "limit_met": reached}


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0…1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
