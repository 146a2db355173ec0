"""Delivering a report by mail, composing and bookkeeping included, against a bare SMTP sender of the same mails."""

from __future__ import annotations

import os
import smtplib
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from calling_pipeline.database.engine import make_engine
from calling_pipeline.vendors.smtp.client import Limits
from calling_pipeline_tests.benchmarks.support import database
from calling_pipeline_tests.reports.mail_support import SENDER, a_report, deps_of, lying, round_at
from calling_pipeline_tests.support import LIMIT_S

MAILS = int(os.environ.get("CALLING_BENCH_MAILS", "1000"))
WIDTH = 4
TURNS = 3
ANSWER_MS = "5"
"""What the server takes over the end of each mail; a real one takes tens of milliseconds."""
PATIENT = Limits(connect_s=LIMIT_S, mail_s=LIMIT_S)


def run() -> Iterator[dict[str, Any]]:
    """Mails per second of both, alternating."""
    ours, bare = [], []
    for _ in range(TURNS):
        with database() as url, tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "kept"
            kept.mkdir()
            receivers = [f"ok.{n}@example.com" for n in range(MAILS)]
            engine = make_engine(url)
            a_report(engine, receivers)
            with lying(Path(folder), "--answer-ms", ANSWER_MS, "--keep", str(kept)) as server:
                begun = time.perf_counter()
                round_at(deps_of(engine, server.server, width=WIDTH, limits=PATIENT))
                ours.append(MAILS / (time.perf_counter() - begun))
                assert server.receivers == sorted(receivers)
            content = next(kept.iterdir()).read_bytes().removesuffix(b".\r\n")
            with lying(Path(folder), "--answer-ms", ANSWER_MS, "--keep", str(kept), name="bare") as server:
                begun = time.perf_counter()
                with ThreadPoolExecutor(WIDTH) as threads:
                    list(threads.map(lambda n: _bare(server.port, receivers[n::WIDTH], content), range(WIDTH)))  # noqa: B023
                bare.append(MAILS / (time.perf_counter() - begun))
                assert server.receivers == sorted(receivers)
            engine.dispose()
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    yield {
        "benchmark": "mail.deliver",
        "mails": MAILS,
        "bytes_each": len(content),
        "per_s": round(statistics.median(ours)),
        "baseline": f"smtplib, {WIDTH} connections that stay open",
        "baseline_per_s": round(statistics.median(bare)),
        "ratio": round(ratio, 2),
        "target": "ratio >= 0.85 (median of neighbouring pairs)",
        "met": ratio >= 0.85,
    }


def _bare(port: int, receivers: list[str], content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=LIMIT_S) as server:
        for receiver in receivers:
            server.sendmail(SENDER, [receiver], content)
