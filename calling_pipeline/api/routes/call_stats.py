"""A day's numbers from the cache, at once; and the refresh of one day.

Reading goes past SQLAlchemy to psycopg's own pool, and `api/polled_days.py` answers its plain form before the framework:
it is the one endpoint that everybody polls.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PathId, RuntimeDep, Short
from calling_pipeline.api.envelope import answers, failure_of, fast_ok
from calling_pipeline.call_stats import documents as shapes
from calling_pipeline.call_stats import store, views
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.held import decisions
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.ranges.records import AgentTotal, HourTotal
from calling_pipeline.call_stats.ranges.store import agents_of, hours_of
from calling_pipeline.call_stats.ranges.views import range_view, require_range
from calling_pipeline.call_stats.records import AgentRank, HourlyOrders, Track
from calling_pipeline.call_stats.sync.refresh import Refreshed, refresh_day
from calling_pipeline.call_stats.trend.trend import read_trend, trend_view
from calling_pipeline.errors import CallingError, InvalidInput, NotFound
from calling_pipeline.runtime import Runtime

_log = logging.getLogger(__name__)
Date = Annotated[
    str | None,
    Query(description="The business day, YYYY-MM-DD (Asia/Shanghai), today or yesterday", examples=["2026-11-22"]),
]
From = Annotated[str | None, Query(alias="from", description="First day of a range, as in date", examples=["2026-11-13"])]
To = Annotated[str | None, Query(alias="to", description="Last day of the range, as in date", examples=["2026-11-22"])]


class RefreshRequest(BaseModel):
    """Which day to refresh."""

    model_config = ConfigDict(extra="forbid")
    date: str = Field(description="The business day, YYYY-MM-DD, today or yesterday", examples=["2026-11-22"])


class Decision(BaseModel):
    """Why a held day is published or discarded; kept with the caller's name."""

    model_config = ConfigDict(extra="forbid")
    reason: Short = Field(min_length=1, description="Why", examples=["the vendor confirmed that the centre was closed"])


class DayReader:
    """Reads days for one application: from the cache, or by a refresh that concurrent requests for a day share."""

    def __init__(self, runtime: Runtime, patient: Runtime, pool: AsyncConnectionPool[Any]) -> None:
        self._runtime = runtime
        self._patient = patient
        self._pool = pool
        self._refreshes: dict[tuple[Track, dt.date], asyncio.Task[Refreshed]] = {}

    def day(self, text: str) -> dt.date:
        """The day named; `InvalidInput` when it is no date or outside the days there are."""
        return views.require_partition(days.day_asked(text), self._runtime.settings.partition_start)

    async def cached(self, track: Track, day: dt.date) -> dict[str, Any] | None:
        """What is said of a cached day, None when it is not cached. The read that everybody polls."""
        began = time.perf_counter()
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(store.READ_DAY_BY_DRIVER[track], {"day": day})
            row = await cursor.fetchone()
        if row is None:
            return None
        return views.day_view(store.day_from(track, row), from_cache=True, elapsed_s=time.perf_counter() - began)

    async def answer(self, track: Track, text: str) -> Response:
        """The day's numbers; today's are computed when they are not cached."""
        began, day = time.perf_counter(), self.day(text)
        cached = await self.cached(track, day)
        if cached is not None:
            return fast_ok(cached)
        if day != days.today():
            raise await asyncio.to_thread(self._not_cached, track, day)
        return await self._answer_refreshed(track, day, began)

    def range(self, track: Track, ends: tuple[str, str]) -> Response:
        """Every day from the first to the last, oldest first; nothing is read from the vendor."""
        with self._runtime.transaction() as connection:
            return fast_ok(range_view(connection, track, self.days(connection, ends)))

    def days(self, connection: sa.Connection, ends: tuple[str, str]) -> list[dt.date]:
        """The days named; `InvalidInput` when an end is no date or outside the days whose numbers are kept."""
        return require_range(connection, *ends, self._runtime.settings.partition_start, options=("from", "to"))

    async def refresh(self, track: Track, text: str, by: str) -> Response:
        """The day's numbers after a refresh, or why it failed with the last good ones."""
        began, day = time.perf_counter(), self.day(text)
        try:
            return await self._answer_refreshed(track, day, began, by=by, says_joined=True)
        except CallingError as error:
            return await asyncio.to_thread(self._refusal, track, day, error, began)

    async def _answer_refreshed(
        self, track: Track, day: dt.date, began: float, *, by: str = "", says_joined: bool = False
    ) -> Response:
        """The numbers after a refresh; those from before when the gate holds what was read."""
        refreshed = await self._refreshed(track, day, by)
        if refreshed.stats is None:
            raise await asyncio.to_thread(self._not_cached, track, day)
        elapsed_s = time.perf_counter() - began
        view = views.day_view(refreshed.stats, from_cache=refreshed.held, elapsed_s=elapsed_s)
        return fast_ok({**view, "joined": refreshed.joined} if says_joined else view)

    def begin_refresh(self, track: Track, day: dt.date, by: str) -> None:
        """Begin a refresh unless one of the day is under way here; its outcome is kept in the database, not answered."""
        self._refreshing(track, day, by)

    async def _refreshed(self, track: Track, day: dt.date, by: str) -> Refreshed:
        """One refresh per day and process at a time; a request that comes later waits for it."""
        joined = (track, day) in self._refreshes
        refreshed = await asyncio.shield(self._refreshing(track, day, by))
        return replace(refreshed, joined=joined or refreshed.joined)

    def _refreshing(self, track: Track, day: dt.date, by: str) -> asyncio.Task[Refreshed]:
        task = self._refreshes.get((track, day))
        if task is None:
            ours = CallStatsDependencies.from_runtime(self._patient)
            work = asyncio.to_thread(
                refresh_day, ours.engine, ours.guanke, track, day, phone_key=ours.phone_key, rules=ours.rules, by=by
            )
            task = self._refreshes[track, day] = asyncio.create_task(work)
            task.add_done_callback(lambda done: self._ended(track, day, done))
        return task

    def _ended(self, track: Track, day: dt.date, task: asyncio.Task[Refreshed]) -> None:
        del self._refreshes[track, day]
        if not task.cancelled() and task.exception() is not None:  # the requests that wait for it, if any, say so too
            _log.info("the refresh of the %s track of %s failed", track, day)

    def _not_cached(self, track: Track, day: dt.date) -> NotFound:
        """Why there are no numbers of the day."""
        with self._runtime.transaction() as connection:
            return views.not_cached(track, day, *store.read_notices(connection, track, day))

    def _refusal(self, track: Track, day: dt.date, error: CallingError, began: float) -> JSONResponse:
        """Why the refresh failed, and the last good numbers with their age."""
        with self._runtime.transaction() as connection:
            stats = store.read_day(connection, track, day)
        kept = views.day_view(stats, from_cache=True, elapsed_s=time.perf_counter() - began) if stats else None
        return failure_of(error, data=msgspec.to_builtins(kept))


@asynccontextmanager
async def _reading(app: FastAPI) -> AsyncIterator[None]:
    app.state.day_reader = DayReader(app.state.runtime, app.state.patient_runtime, app.state.pool)
    yield


async def _day_reader(request: Request) -> DayReader:
    reader: DayReader = request.app.state.day_reader
    return reader


router = APIRouter(prefix="/api/stats", tags=["call statistics"], lifespan=_reading)
Viewer = Annotated[Caller, Depends(requires("viewer", "statistics"))]
Operator = Annotated[Caller, Depends(requires("operator", "statistics"))]
Reader = Annotated[DayReader, Depends(_day_reader)]


@dataclass(frozen=True)
class Asked:
    """Which days a request is about: one, or a range (`ends`)."""

    date: str
    ends: tuple[str, str] | None


async def _asked(date: Date = None, first: From = None, last: To = None) -> Asked:
    if date is not None and first is None and last is None:
        return Asked(date, None)
    if date is None and first is not None and last is not None:
        return Asked("", (first, last))
    raise InvalidInput("name one day in date, or the first and last day of a range in from and to", field="date")


AskedDays = Annotated[Asked, Depends(_asked)]


async def _stats(reader: DayReader, track: Track, asked: Asked) -> Response:
    if asked.ends is None:
        return await reader.answer(track, asked.date)
    return await asyncio.to_thread(reader.range, track, asked.ends)


@router.get("/grade-stats", responses=answers(shapes.GradeDayDocument | list[shapes.GradeRangeDay]))
async def grade_stats(caller: Viewer, reader: Reader, asked: AskedDays) -> Response:
    """Orders of a day, counted call by call. Today without a cache is computed; history without one is 404.

    With `from` and `to`: one such object per day, oldest first, as far back as numbers are kept. `standing` is `complete`,
    `incomplete`, `kept` (from the permanent history), `held`, `missing` or `not due`; without numbers they are null.
    """
    return await _stats(reader, "grade", asked)


@router.get("/task-stats", responses=answers(shapes.TaskDayDocument | list[shapes.TaskRangeDay]))
async def task_stats(caller: Viewer, reader: Reader, asked: AskedDays) -> Response:
    """A day's numbers by dialling task. Today without a cache is computed; history without one is 404.

    With `from` and `to` a range, as in `/grade-stats`.
    """
    return await _stats(reader, "task", asked)


@router.post("/grade-stats/refresh", responses=answers(shapes.GradeDayDocument))
async def refresh_grade_stats(reader: Reader, wanted: RefreshRequest, caller: Operator) -> Response:
    """Refresh one day now, or join the refresh of it that is under way.

    A read that the publishing gate holds changes no number: `held` says why.
    """
    return await reader.refresh("grade", wanted.date, caller.name)


@router.post("/task-stats/refresh", responses=answers(shapes.TaskDayDocument))
async def refresh_task_stats(reader: Reader, wanted: RefreshRequest, caller: Operator) -> Response:
    """Refresh one day now, or join the refresh of it that is under way.

    A read that the publishing gate holds changes no number: `held` says why.
    """
    return await reader.refresh("task", wanted.date, caller.name)


@router.get("/agent-ranking", responses=answers(list[AgentRank] | list[AgentTotal]))
def agent_ranking(caller: Viewer, runtime: RuntimeDep, reader: Reader, asked: AskedDays) -> Response:
    """The day's agents, most orders first. With `from` and `to` the sums of the days that are cached."""
    with runtime.transaction() as connection:
        if asked.ends is None:
            return fast_ok(store.read_agents(connection, reader.day(asked.date)))
        wanted = reader.days(connection, asked.ends)
        return fast_ok(agents_of(connection, wanted[0], wanted[-1]))


@router.get("/hourly-orders", responses=answers(list[HourlyOrders] | list[HourTotal]))
def hourly_orders(caller: Viewer, runtime: RuntimeDep, reader: Reader, asked: AskedDays) -> Response:
    """Calls and orders of the day by hour. With `from` and `to` the sums of the days that are cached."""
    with runtime.transaction() as connection:
        if asked.ends is None:
            return fast_ok(store.read_hours(connection, reader.day(asked.date)))
        wanted = reader.days(connection, asked.ends)
        return fast_ok(hours_of(connection, wanted[0], wanted[-1]))


@router.get("/trend", responses=answers(list[shapes.TrendDocument]))
def trend(caller: Viewer, runtime: RuntimeDep, reader: Reader, asked: AskedDays) -> Response:
    """Orders and rates of every day of a range, oldest first, as far back as numbers are kept.

    Beside the kept numbers of both tracks: `order_rate` (orders of a hundred call records), `orders_mean_7` and
    `connected_rate_mean_7` over the seven days up to the day (those known and over; null with fewer than four),
    `orders_week_before`, `standing` of each track as in `/grade-stats`, and `under_way` while the day is not over.
    """
    with runtime.transaction() as connection:
        wanted = [reader.day(asked.date)] if asked.ends is None else reader.days(connection, asked.ends)
        return fast_ok(trend_view(read_trend(connection, wanted[0], wanted[-1])))


@router.get("/held", responses=answers(list[shapes.HeldDocument]))
def held_days(runtime: RuntimeDep, caller: Viewer, state: Literal["open", "all"] = "open") -> Response:
    """Days that the publishing gate holds, newest first, with the reasons and both days' numbers."""
    with runtime.transaction() as connection:
        return fast_ok([views.held_view(one) for one in held_store.held(connection, only_open=state == "open")])


@router.post("/held/{held_id}/publish", responses=answers(shapes.HeldDocument))
def publish_held_day(runtime: RuntimeDep, held_id: PathId, decision: Decision, caller: Operator) -> Response:
    """Publish a held day in spite of the gate. Refused when a newer read has been published since."""
    with runtime.transaction() as connection:
        return fast_ok(views.held_view(decisions.publish(connection, held_id, by=caller.name, why=decision.reason)))


@router.post("/held/{held_id}/discard", responses=answers(shapes.HeldDocument))
def discard_held_day(runtime: RuntimeDep, held_id: PathId, decision: Decision, caller: Operator) -> Response:
    """Drop what was read for a held day; the published numbers stand."""
    with runtime.transaction() as connection:
        return fast_ok(views.held_view(decisions.discard(connection, held_id, by=caller.name, why=decision.reason)))
