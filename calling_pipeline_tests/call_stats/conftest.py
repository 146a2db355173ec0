"""Fixtures of the room: a runtime whose Guanke is the simulator, and syncing in one word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.records import DayResult, FetchProof
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.database.engine import make_engine
from calling_pipeline.defs import retries
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline_tests.conftest import TEMPLATE, temporary_database
from calling_pipeline_tests.dagster_support import instance_on
from calling_pipeline_tests.support import Simulator, http

YESTERDAY = days.today() - dt.timedelta(days=1)


@pytest.fixture
def guanke(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator with Guanke's days as the seed made them."""
    yield simulator
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()


@pytest.fixture
def stats_runtime(app_settings: Settings, guanke: Simulator) -> Iterator[Runtime]:
    made = Runtime(app_settings.model_copy(update={"guanke_base_url": f"{guanke.url}/guanke", "guanke_timeout_s": 30.0}))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed step is not tried again after half a minute; tests of retries choose a policy of their own."""
    monkeypatch.setattr(retries, "VENDOR", dg.RetryPolicy(max_retries=0))


@pytest.fixture
def pg_instance(dagster_database_url: Any, tmp_path: Any) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance on PostgreSQL."""
    with instance_on(dagster_database_url, tmp_path) as made:
        yield made


@pytest.fixture
def sync(stats_runtime: Runtime) -> Callable[..., list[DayResult]]:
    """`sync(track, *days, sync_type=…)` pulls days from the simulator into this test's database."""

    def run(track: Any, *wanted: dt.date, sync_type: str = "manual", **options: Any) -> list[DayResult]:
        return sync_days(
            stats_runtime.engine,
            guanke_client(stats_runtime),
            track,
            wanted or (YESTERDAY,),
            sync_type=sync_type,
            phone_key=stats_runtime.phone_key,
            **options,
        )

    return run


@pytest.fixture(scope="module")
def class_engine(server_url: Any) -> Iterator[sa.Engine]:
    """One database for all examples of a module: each example rolls back."""
    for url in temporary_database(server_url, TEMPLATE):
        engine = make_engine(url)
        yield engine
        engine.dispose()


def act(simulator: Simulator, verb: str, **body: Any) -> None:
    """One of Guanke's own acts in the simulator: `size`, `correct`, `revoke`, `credentials`."""
    http.post(f"{simulator.url}/guanke/_sim/{verb}", json=body).raise_for_status()


def truth(simulator: Simulator, day: dt.date = YESTERDAY, **options: Any) -> Any:
    return simulator.get("/guanke/_sim/truth", date=day.isoformat(), **options)


def proof_of(track: Any, day: dt.date, *, fetch_number: int = 1, records: int = 0) -> FetchProof:
    """The proof of a complete manual read of `day`."""
    start, end = days.day_bounds(day)
    return FetchProof(
        fetch_number=fetch_number,
        track=track,
        date=day,
        mode="full",
        sync_type="manual",
        window_start=start,
        window_end=end - dt.timedelta(seconds=1),
        started_at=end,
        finished_at=end,
        reported_total=records,
        rows_fetched=records,
        distinct_ids=records,
        pages=1,
        pages_read_again=0,
        retries=0,
        elapsed_s=0.1,
    )
