"""The refresh button: begins the refresh of a day or joins the one under way. How it goes is read from the database."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.api.routes.call_stats import DayReader
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline.call_stats.views import require_partition
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["statistics"])
Operator = Annotated[View, Depends(viewing("operator", "statistics"))]


@router.post("/stats/refresh")
async def refresh(
    view: Operator, date: Annotated[str, Form(max_length=20)], track: Annotated[Literal["task", "grade"], Form()]
) -> Response:
    """Begin the refresh of one day of a track. One that any process is making is joined: no second one begins."""
    day = require_partition(days.day_asked(date), view.runtime.settings.partition_start)
    with view.transaction() as connection:
        under_way = refreshes.newest(connection, track, day).under_way
    if not under_way:
        reader: DayReader = view.request.app.state.server.day_reader
        reader.begin_refresh(track, day, view.caller.name)
    return view.done("stats.refresh_joined" if under_way else "stats.refresh_begun", back=f"/stats?date={day}", day=day)
