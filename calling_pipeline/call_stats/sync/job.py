"""What all days of one sync share, and the proof of a read built from it. One place for both tracks."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.records import FetchProof, Progress, Track
from calling_pipeline.call_stats.sync.plan import ReadPlan
from calling_pipeline.vendors.guanke.client import GuankeClient
from calling_pipeline.vendors.guanke.reading import ReadSummary


@dataclass(frozen=True)
class SyncJob:
    """One sync. Unless it `publishes`, it stores call records only, and a later step publishes the caches."""

    engine: sa.Engine
    client: GuankeClient
    sync_type: str
    phone_key: bytes
    run_id: str
    progress: Progress | None = None
    publishes: bool = True


class Stopwatch:
    """When something began: the instant, and the seconds since then."""

    def __init__(self) -> None:
        self.started_at = days.now()
        self._began = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        return round(time.perf_counter() - self._began, 3)


def fetch_proof(
    job: SyncJob,
    track: Track,
    day: dt.date,
    plan: ReadPlan,
    read: ReadSummary,
    *,
    number: int,
    started_at: dt.datetime,
    elapsed_s: float,
) -> FetchProof:
    """The proof of a read that has just ended; what the read changed in `call_records` is added by whoever stores it."""
    return FetchProof(
        fetch_number=number,
        track=track,
        date=day,
        mode=plan.mode,
        sync_type=job.sync_type,
        window_start=plan.start,
        window_end=plan.end,
        started_at=started_at,
        finished_at=days.now(),
        reported_total=read.reported,
        rows_fetched=read.fetched,
        distinct_ids=read.distinct,
        pages=read.pages,
        pages_read_again=read.pages_read_again,
        retries=read.retries,
        elapsed_s=elapsed_s,
        new_fields=dict(read.new_fields),
        missing_fields=dict(read.missing_fields),
        run_id=job.run_id,
    )
