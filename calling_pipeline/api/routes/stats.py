"""A day's numbers from the cache, at once; and the refresh of one day.

Reading goes past SQLAlchemy to psycopg's own pool: it is the one endpoint that everybody polls.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline import days
from calling_pipeline.api.app import failure, status_of
from calling_pipeline.api.auth import Caller, requires
from calling_pipeline.call_stats import store, views
from calling_pipeline.call_stats.records import GradeDay, TaskDay, Track
from calling_pipeline.call_stats.sync.refresh import Refreshed, read_day, refresh_day
from calling_pipeline.database.engine import driver_sql
from calling_pipeline.errors import CallingError
from calling_pipeline.runtime import Runtime

router = APIRouter(prefix="/api/stats", tags=["call statistics"])
_READ = {"grade": driver_sql(store.READ_GRADE_DAY), "task": driver_sql(store.READ_TASK_DAY)}
_Date = Query(description="The business day, YYYY-MM-DD (Asia/Shanghai)", examples=["2026-11-22"])
_encode = msgspec.json.Encoder().encode


class RefreshRequest(BaseModel):
    """Which day to refresh."""

    model_config = ConfigDict(extra="forbid")
    date: str = Field(description="The business day, YYYY-MM-DD", examples=["2026-11-22"])


@router.get("/grade-stats")
async def grade_stats(request: Request, date: str = _Date, caller: Caller = Depends(requires("viewer"))) -> Response:
    """Orders of a day, counted call by call. Today without a cache is computed; history without one is 404."""
    return await _answer(request, "grade", date)


@router.get("/task-stats")
async def task_stats(request: Request, date: str = _Date, caller: Caller = Depends(requires("viewer"))) -> Response:
    """A day's numbers by dialling task. Today without a cache is computed; history without one is 404."""
    return await _answer(request, "task", date)


@router.post("/grade-stats/refresh")
async def refresh_grade_stats(
    request: Request, wanted: RefreshRequest, caller: Caller = Depends(requires("operator"))
) -> Response:
    """Refresh one day now, or join the refresh of it that is under way."""
    return await _refresh(request, "grade", wanted.date)


@router.post("/task-stats/refresh")
async def refresh_task_stats(
    request: Request, wanted: RefreshRequest, caller: Caller = Depends(requires("operator"))
) -> Response:
    """Refresh one day now, or join the refresh of it that is under way."""
    return await _refresh(request, "task", wanted.date)


@router.get("/agent-ranking")
def agent_ranking(request: Request, date: str = _Date, caller: Caller = Depends(requires("viewer"))) -> Response:
    """The day's agents, most orders first."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        return _success(store.read_agents(connection, _day(runtime, date)))


@router.get("/hourly-orders")
def hourly_orders(request: Request, date: str = _Date, caller: Caller = Depends(requires("viewer"))) -> Response:
    """Calls and orders of the day by hour."""
    runtime: Runtime = request.app.state.runtime
    with runtime.transaction() as connection:
        return _success(store.read_hours(connection, _day(runtime, date)))


async def _answer(request: Request, track: Track, text: str) -> Response:
    day = _day(request.app.state.runtime, text)
    stats = await _cached(request, track, day)
    if stats is not None:
        return _success(views.day_answer(stats, from_cache=True))
    if day != days.today():
        raise views.not_cached(track, day)
    refreshed = await _refreshed(request, track, day)
    return _success(views.day_answer(refreshed.stats, from_cache=False))


async def _cached(request: Request, track: Track, day: dt.date) -> GradeDay | TaskDay | None:
    async with request.app.state.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_READ[track], {"day": day})
        row = await cursor.fetchone()
    if row is None:
        return None
    return store.grade_day_from(row) if track == "grade" else store.task_day_from(row)


async def _refresh(request: Request, track: Track, text: str) -> Response:
    runtime: Runtime = request.app.state.runtime
    day = _day(runtime, text)
    try:
        refreshed = await _refreshed(request, track, day)
    except CallingError as error:
        return await asyncio.to_thread(_refusal, runtime, track, day, error)
    return _success({**views.day_answer(refreshed.stats, from_cache=False), "joined": refreshed.joined})


async def _refreshed(request: Request, track: Track, day: dt.date) -> Refreshed:
    """One refresh a day and process at a time; whoever asks meanwhile waits for it."""
    under_way: dict[tuple[Track, dt.date], asyncio.Task[Refreshed]] = request.app.state.refreshes
    task = under_way.get((track, day))
    joined = task is not None
    if task is None:
        runtime: Runtime = request.app.state.runtime
        work = asyncio.to_thread(refresh_day, runtime.engine, runtime.guanke, track, day, phone_key=runtime.phone_key)
        task = under_way[track, day] = asyncio.create_task(work)
        task.add_done_callback(lambda _: under_way.pop((track, day), None))
    refreshed = await asyncio.shield(task)
    return Refreshed(refreshed.stats, joined=joined or refreshed.joined)


def _refusal(runtime: Runtime, track: Track, day: dt.date, error: CallingError) -> JSONResponse:
    """Why the refresh failed, and the last good numbers with their age."""
    with runtime.transaction() as connection:
        stats = read_day(connection, track, day)
    kept = views.day_answer(stats, from_cache=True) if stats else None
    return failure(status_of(error), str(error), data=msgspec.to_builtins(kept))


def _day(runtime: Runtime, text: str) -> dt.date:
    return views.require_partition(days.parse_day(text), runtime.settings.partition_start)


def _success(data: Any) -> Response:
    return Response(_encode({"success": True, "data": data}), media_type="application/json")
