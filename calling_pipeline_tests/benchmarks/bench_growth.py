"""How fast Dagster's tables grow at the timetable: what a run of every schedule writes, and what housekeeping leaves of it.

Tables are measured whole, with indexes and TOAST, packed (`VACUUM FULL`), so that pages that are half empty do not count.
Rooms that only run when configured (contracts, technicians) are configured.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from croniter import croniter

from calling_pipeline import days
from calling_pipeline.database import embedded
from calling_pipeline.database.engine import business_url
from calling_pipeline.notifications.contracts.ledger_rows import COLUMNS
from calling_pipeline_tests.benchmarks.bench_dagster import Up, ask, everything_up, launch, wait

RUNS = 4
MOST_BYTES = 10_000_000
_SCHEDULES = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
    schedules { name cronSchedule pipelineName } sensors { name minIntervalSeconds } } } } }"""
_DRY_RUN = """mutation($selector: ScheduleSelector!, $at: Float!) {
    scheduleDryRun(selectorData: $selector, timestamp: $at) { ... on DryRunInstigationTick {
    evaluationResult { skipReason runRequests { tags { key value } } } } } }"""
_TABLES = """SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'job_ticks'"""
_PRUNE = """
import datetime as dt, dagster as dg
from calling_pipeline.defs.housekeeping import store
with dg.DagsterInstance.get() as instance:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    store.prune(instance, now - dt.timedelta(days=30), details_before=now)
"""


def run() -> Iterator[dict[str, Any]]:
    """Bytes per run of every schedule, and per day of the whole timetable."""
    with tempfile.TemporaryDirectory(prefix="calling-ledger-") as folder:
        ledger = Path(folder) / "contracts.csv"
        ledger.write_text(",".join(COLUMNS) + "\n", encoding="utf-8-sig")
        settings = {"WECOM_ROBOTS": json.dumps({"a group": "a-robot"}), "CONTRACT_LEDGERS": json.dumps([str(ledger)])}
        with everything_up(**settings) as up:
            yield from _measured(up)


def _measured(up: Up) -> Iterator[dict[str, Any]]:
    server = embedded.start(up.folder / ".calling" / "postgres")
    engine = sa.create_engine(
        business_url(server.get_uri()).set(database="dagster"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    written, kept, failed = 0.0, 0.0, list[str]()
    try:
        [node] = ask(up.client, _SCHEDULES)["repositoriesOrError"]["nodes"]
        for schedule in node["schedules"]:
            try:
                figures = _of_schedule(up, engine, schedule)
            except RuntimeError as error:  # its runs are missing in the sums, which are not met then
                failed.append(schedule["name"])
                yield {"benchmark": "growth_by_schedule", "schedule": schedule["name"], "failed": str(error)}
                continue
            written += figures["written_kb_per_run"] * figures["runs_per_day"] * 1024
            kept += figures["kept_kb_per_run"] * figures["runs_per_day"] * 1024
            yield {"benchmark": "growth_by_schedule", "schedule": schedule["name"], **figures}
        ticks = sum(86_400 / sensor["minIntervalSeconds"] for sensor in node["sensors"]) * _bytes_per_tick(engine)
    finally:
        server.cleanup()
    yield {"benchmark": "dagster_tables_written_per_day", "unit": "MB", "ours": round(written / 1e6, 1)}
    yield {"benchmark": "dagster_ticks_per_day", "unit": "MB", "ours": round(ticks / 1e6, 1), "kept_days": 1}
    yield {
        "benchmark": "dagster_tables_growth_per_day", "unit": "MB", "ours": round(kept / 1e6, 1),
        "target": MOST_BYTES / 1e6, "met": kept <= MOST_BYTES and not failed,
    }  # fmt: skip


def _of_schedule(up: Up, engine: sa.Engine, schedule: Mapping[str, str]) -> dict[str, Any]:
    """What a run of the schedule writes, and what a run more leaves once housekeeping has been."""
    tags, job = _tags(up, schedule["name"]), schedule["pipelineName"]
    wait(up.client, launch(up.client, tags, job))  # what exists once, for a partition or a check, is no growth
    _prune(up)
    before = _packed(engine)
    for _ in range(RUNS):
        wait(up.client, launch(up.client, tags, job))
    after = _packed(engine)
    _prune(up)
    left = _packed(engine)
    return {
        "runs_per_day": _ticks_per_day(schedule["cronSchedule"]),
        "written_kb_per_run": round((after - before) / RUNS / 1024, 1),
        "kept_kb_per_run": round((left - before) / RUNS / 1024, 1),
    }


def _tags(up: Up, schedule: str) -> dict[str, str]:
    """What the schedule asks for when it ticks at noon."""
    noon = dt.datetime.combine(days.today(), dt.time(12), days.SHANGHAI)
    selector = {"repositoryLocationName": "calling_pipeline", "repositoryName": "__repository__", "scheduleName": schedule}
    result = ask(up.client, _DRY_RUN, selector=selector, at=noon.timestamp())["scheduleDryRun"]["evaluationResult"]
    if not result["runRequests"]:
        raise RuntimeError(f"{schedule} asks for no run: {result['skipReason']}")
    [request] = result["runRequests"]
    return {tag["key"]: tag["value"] for tag in request["tags"]}


def _ticks_per_day(cron: str) -> int:
    day = dt.datetime(2026, 11, 20)  # noqa: DTZ001 - hours of a wall clock
    ticks = croniter(cron, day - dt.timedelta(seconds=1))
    return sum(1 for _ in iter(lambda: ticks.get_next(dt.datetime) < day + dt.timedelta(days=1), False))


def _packed(engine: sa.Engine) -> int:
    """Bytes of all tables but the ticks, which are purged by the instance."""
    with engine.connect() as connection:
        tables = connection.execute(sa.text(_TABLES)).scalars().all()
        for table in tables:
            connection.exec_driver_sql(f'VACUUM FULL "{table}"')
        return sum(
            connection.scalar(sa.text("SELECT pg_total_relation_size(cast(:name AS regclass))"), {"name": name})
            for name in tables
        )


def _bytes_per_tick(engine: sa.Engine) -> float:
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM FULL job_ticks")
        return float(
            connection.scalar(sa.text("SELECT pg_total_relation_size('job_ticks')::float8 / count(*) FROM job_ticks"))
        )


def _prune(up: Up) -> None:
    """Housekeeping of the next night, in a process of its own."""
    command = [sys.executable, "-m", "calling_pipeline.cli.main", "exec", "--", sys.executable, "-c", _PRUNE]
    subprocess.run(command, cwd=up.folder, check=True, capture_output=True)
