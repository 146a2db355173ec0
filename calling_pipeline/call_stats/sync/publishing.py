"""Counts a day's stored call records into the caches people read. It reads nothing from the vendor."""

from __future__ import annotations

import datetime as dt
import time

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import FetchProof, GradeDay
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.database import locks
from calling_pipeline.errors import IncompleteFetch, NotFound
from calling_pipeline.vendors.guanke.records import VENDOR


def publish_day(
    connection: sa.Connection, day: dt.date, *, elapsed_s: float | None = None, proof: FetchProof | None = None
) -> GradeDay:
    """Publish the grade numbers, the agents' ranking and the hourly orders of `day` in the caller's transaction.

    A caller that has just stored the day, in this transaction and under its lock, gives its `proof`, not checked again.
    Raises `NotFound` when the day was never read and `IncompleteFetch` when its records do not match their proof.
    """
    cached = _publish_grade_numbers(connection, day, elapsed_s=elapsed_s, proof=proof)
    sync_store.rank_agents(connection, day)
    sync_store.count_hours(connection, day)
    return cached


def _publish_grade_numbers(
    connection: sa.Connection, day: dt.date, *, elapsed_s: float | None = None, proof: FetchProof | None = None
) -> GradeDay:
    """Publish the day's row of `grade_stats_cache` alone; raises as `publish_day` does."""
    began = time.perf_counter()
    proof = proof or proven(connection, day)
    spent = elapsed_s if elapsed_s is not None else proof.elapsed_s + time.perf_counter() - began
    sync_store.publish_grade_day(connection, proof, now=days.now(), elapsed_s=round(spent, 3))
    cached = store.read_grade_day(connection, day)
    assert cached is not None
    return cached


def proven(connection: sa.Connection, day: dt.date) -> FetchProof:
    """The proof of the day's call records, after a count that they still match it.

    No other session changes them until the transaction ends. Raises as `publish_day` does.
    """
    locks.hold(connection, "call_stats", "grade", day)
    proof = store.latest_proof(connection, "grade", day)
    if proof is None:
        raise NotFound(f"the call records of {day} were never read; sync the day first")
    stored = store.count_records(connection, day)
    if stored != proof.reported_total:
        raise IncompleteFetch(
            f"{stored} call records of {day} are stored and the vendor reported {proof.reported_total};"
            " the old numbers stand, sync the day again",
            vendor=VENDOR,
            fetched=stored,
            reported=proof.reported_total,
        )
    return proof
