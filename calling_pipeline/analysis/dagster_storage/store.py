"""SQL on the tables of Dagster's storage, for those who must not load Dagster. It reads and changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import sqlalchemy as sa
from psycopg.errors import UndefinedTable
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from calling_pipeline.analysis.dagster_storage.records import DagsterState, Heartbeat, RunUnderWay, ScheduleRun
from calling_pipeline.at_most_once.orphans import is_held
from calling_pipeline.centres import named
from calling_pipeline.database.engine import make_engine, reachable
from calling_pipeline.database.sql import load
from calling_pipeline.errors import DatabaseUnavailable

DAEMONS = ("QUEUED_RUN_COORDINATOR", "SCHEDULER", "SENSOR")
"""The daemons without which nothing happens by itself."""
DAEMON_LOCK = "dagster daemon"
"""The session lock in Dagster's database that its daemon holds while it lives."""
WORKER_LOCK = "celery worker"
"""The session lock in Dagster's database that a worker of Celery holds while it takes runs."""
_HEARTBEATS = load("analysis/dagster_storage/heartbeats")
_QUEUE = load("analysis/dagster_storage/queue")
_SCHEDULE_RUNS = load("analysis/dagster_storage/schedule_runs")
_UNDER_WAY = load("analysis/dagster_storage/under_way")
_TAGGED = load("analysis/dagster_storage/tagged")


def dagster_state(url: URL, schedules: Sequence[str], *, centre: str = "") -> DagsterState:
    """What Dagster's storage at `url` says now of the centre's runs, with the newest of `schedules`.

    Never raises for what is not there.
    """
    engine = make_engine(url, pool_size=1, max_overflow=0)
    try:
        with reachable(engine) as connection:
            return _read(connection, schedules, centre)
    except DatabaseUnavailable as error:
        return DagsterState(str(error))
    except ProgrammingError as error:
        if not isinstance(error.orig, UndefinedTable):
            raise
        return DagsterState("its database holds no tables of Dagster yet")
    finally:
        engine.dispose()


def daemon_is_there(url: URL) -> bool:
    """Whether a daemon lives that works on the instance whose storage is at `url`. Raises `DatabaseUnavailable`."""
    engine = make_engine(url, pool_size=1, max_overflow=0)
    try:
        with reachable(engine) as connection:
            return is_held(connection, DAEMON_LOCK)
    finally:
        engine.dispose()


def worker_lock(pid: int) -> tuple[str, str, int]:
    """The name of the lock of the worker that is this process of this machine."""
    return WORKER_LOCK, socket.gethostname(), pid


def workers_that_take_runs(url: URL, pids: Sequence[int]) -> list[int]:
    """Which of these processes of this machine are workers that take runs. Raises `DatabaseUnavailable`."""
    engine = make_engine(url, pool_size=1, max_overflow=0)
    try:
        with reachable(engine) as connection:
            return [pid for pid in pids if is_held(connection, *worker_lock(pid))]
    finally:
        engine.dispose()


def runs_under_way(engine: sa.Engine) -> list[RunUnderWay]:
    """The runs that have begun and not ended, oldest first. Raises `DatabaseUnavailable`."""
    with reachable(engine) as connection:
        return [RunUnderWay(**row) for row in connection.execute(_UNDER_WAY).mappings()]


def tagged_runs(engine: sa.Engine, tag: str, value: str, *, since: float) -> dict[str, str]:
    """Run → status of those with the tag that were created since then (seconds of the epoch).

    None before Dagster has made its tables. Raises `DatabaseUnavailable`.
    """
    try:
        with reachable(engine) as connection:
            rows = connection.execute(_TAGGED, {"tag": tag, "value": value, "since": since})
            return {row.run_id: row.status for row in rows}
    except ProgrammingError as error:
        if not isinstance(error.orig, UndefinedTable):
            raise
        return {}


def _read(connection: sa.Connection, schedules: Sequence[str], centre: str) -> DagsterState:
    heartbeats = connection.execute(_HEARTBEATS, {"daemons": list(DAEMONS)}).mappings()
    runs = connection.execute(_SCHEDULE_RUNS, {"schedules": list(schedules), "prefix": named(centre, "")}).mappings()
    return DagsterState(
        None,
        heartbeats=tuple(Heartbeat(**row) for row in heartbeats),
        schedule_runs=tuple(ScheduleRun(**row) for row in runs),
        **connection.execute(_QUEUE, {"centre": centre}).mappings().one(),
    )
