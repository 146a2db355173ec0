"""What all days of one sync share, and the proof of a read built from it. One place for both tracks."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.gate import GateRules
from calling_pipeline.call_stats.grades import GradeWords
from calling_pipeline.call_stats.records import FetchProof, Progress, Track
from calling_pipeline.call_stats.sync.plan import ReadPlan
from calling_pipeline.vendors.guanke.client import GuankeClient
from calling_pipeline.vendors.guanke.reading import ReadSummary


@dataclass(frozen=True)
class SyncRules:
    """What the settings decide about a sync: the publishing gate's limits, and what the grades' words mean."""

    gate: GateRules = field(default_factory=GateRules)
    words: GradeWords = field(default_factory=GradeWords)


@dataclass(frozen=True)
class SyncJob:
    """One sync.

    `full_read`: no day is read incrementally. `publish_held`: what the gate would hold is published in the name of `by`.
    """

    engine: sa.Engine
    client: GuankeClient
    sync_type: str
    phone_key: bytes
    run_id: str
    progress: Progress | None = None
    rules: SyncRules = field(default_factory=SyncRules)
    full_read: bool = False
    publish_held: bool = False
    by: str = ""


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
        full_read_at=started_at if plan.mode == "full" else plan.full_read_at,
    )
