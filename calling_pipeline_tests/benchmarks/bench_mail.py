"""Delivering a report by mail, composing and bookkeeping included, against a bare SMTP sender of the same mails.

The round of one receiver is timed beside it: mostly composing, which is done once for all who get the same mail.
"""

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
SERVER = ("--answer-ms", ANSWER_MS, "--pipelining")
"""It takes commands in one packet, as real ones do."""
PATIENT = Limits(connect_s=LIMIT_S, mail_s=LIMIT_S)


def run() -> Iterator[dict[str, Any]]:
    """Mails per second of both, alternating."""
    receivers = [f"ok.{n}@example.com" for n in range(MAILS)]
    _, content = _round(receivers[:1])  # what is loaded once is not counted
    ours, bare, composing = [], [], []
    for _ in range(TURNS):
        composing.append(_round(receivers[:1])[0])
        ours.append(_round(receivers)[0])
        bare.append(_bare_s(receivers, content))
    turns = list(zip(bare, ours, composing, strict=True))
    ratio = statistics.median(theirs / mine for theirs, mine, _ in turns)
    yield {
        "benchmark": "mail.deliver",
        "mails": MAILS,
        "bytes_each": len(content),
        "per_s": round(MAILS / statistics.median(ours)),
        "composing_s": round(statistics.median(composing), 2),
        "without_composing": round(statistics.median(theirs / (mine - once) for theirs, mine, once in turns), 2),
        "baseline": f"smtplib, {WIDTH} connections that stay open",
        "baseline_per_s": round(MAILS / statistics.median(bare)),
        "ratio": round(ratio, 2),
        "target": "ratio >= 0.85 (median of neighbouring pairs)",
        "met": ratio >= 0.85,
    }


def _round(receivers: list[str]) -> tuple[float, bytes]:
    """Seconds of the round that delivers a report to these, in a database of its own; and one of the mails."""
    with database() as url, tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        kept.mkdir()
        engine = make_engine(url)
        a_report(engine, receivers)
        with lying(Path(folder), *SERVER, "--keep", str(kept)) as server:
            begun = time.perf_counter()
            round_at(deps_of(engine, server.server, width=WIDTH, limits=PATIENT))
            taken_s = time.perf_counter() - begun
            assert server.receivers == sorted(receivers)
        engine.dispose()
        return taken_s, next(kept.iterdir()).read_bytes().removesuffix(b".\r\n")


def _bare_s(receivers: list[str], content: bytes) -> float:
    """Seconds of the bare sender."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        kept.mkdir()
        with lying(Path(folder), *SERVER, "--keep", str(kept)) as server:
            begun = time.perf_counter()
            with ThreadPoolExecutor(WIDTH) as threads:
                list(threads.map(lambda n: _bare(server.port, receivers[n::WIDTH], content), range(WIDTH)))
            taken_s = time.perf_counter() - begun
            assert server.receivers == sorted(receivers)
    return taken_s


def _bare(port: int, receivers: list[str], content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=LIMIT_S) as server:
        for receiver in receivers:
            server.sendmail(SENDER, [receiver], content)
