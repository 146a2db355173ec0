"""Counts a day's stored call records into the caches people read. It reads nothing from the vendor."""

from __future__ import annotations

import datetime as dt
import time

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import note
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.daily_counts import store as daily_counts
from calling_pipeline.call_stats.records import ASSETS, FetchProof, GradeDay
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.sync.store import DayCount
from calling_pipeline.database import locks
from calling_pipeline.errors import IncompleteFetch, NotFound
from calling_pipeline.vendors.guanke.records import VENDOR


def publish_day(connection: sa.Connection, day: dt.date) -> GradeDay:
    """Publish the grade numbers, the agents' ranking, the hourly orders and the daily counts of `day`; it never commits.

    Raises `NotFound` when the day was never read and `IncompleteFetch` when its records do not match their proof.
    """
    began = time.perf_counter()
    proof, count = proven(connection, day)
    return publish_stored(connection, proof, count, elapsed_s=proof.elapsed_s + time.perf_counter() - began)


def publish_stored(connection: sa.Connection, proof: FetchProof, count: DayCount, *, elapsed_s: float) -> GradeDay:
    """The same for a day that was stored and counted in this transaction, under its lock: nothing is checked again."""
    sync_store.publish_grade_day(connection, proof, count, now=days.now(), elapsed_s=round(elapsed_s, 3))
    sync_store.rank_agents(connection, proof.date)
    sync_store.count_hours(connection, proof.date)
    daily_counts.count_day(connection, proof.date, fetch_number=proof.fetch_number)
    for asset in ASSETS["grade"]:
        note(connection, asset, proof.date)
    cached = store.read_grade_day(connection, proof.date)
    assert cached is not None
    return cached


def proven(connection: sa.Connection, day: dt.date) -> tuple[FetchProof, DayCount]:
    """The proof of the day's call records, and a count of them that still matches it.

    No other session changes them until the transaction ends. Raises as `publish_day` does.
    """
    locks.hold(connection, "call_stats", "grade", day)
    proof = store.latest_proof(connection, "grade", day)
    if proof is None:
        raise NotFound(f"the call records of {day} were never read; sync the day first")
    count = sync_store.count_day(connection, day)
    if count.calls + proof.outside_day != proof.reported_total:
        raise IncompleteFetch(
            f"{count.calls} call records of {day} are stored and the vendor reported {proof.reported_total};"
            " the old numbers stand, sync the day again",
            vendor=VENDOR,
            fetched=count.calls,
            reported=proof.reported_total,
        )
    return proof, count
