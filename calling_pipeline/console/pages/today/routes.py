"""`/`: the first look of the day, the same as `calling-pipeline status`; it also leads whoever may not see it onwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from calling_pipeline import days
from calling_pipeline.analysis.status.gathering import status as gather
from calling_pipeline.analysis.status.records import Status
from calling_pipeline.backups import going_on
from calling_pipeline.call_stats.history.store import read_history
from calling_pipeline.call_stats.records import HistoryDay
from calling_pipeline.charts.records import Caption
from calling_pipeline.charts.spark import spark
from calling_pipeline.console.menu import entries_for
from calling_pipeline.console.pages.today.shown import NUMBERS, TREND_DAYS, first_look, trend
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["today"])
Anybody = Annotated[View, Depends(viewing("viewer", "session", own=True))]
Viewer = Annotated[View, Depends(viewing("viewer", "status"))]
FRESH_S = 10.0


@router.get("/")
def today(view: Anybody) -> Response:
    """The first look of the day; who may not see it is led to the first page of their menu."""
    if not view.may("viewer", "status"):
        own = entries_for(view.caller)
        return RedirectResponse(own[0].path, status_code=303) if own else view.page("today/nothing.html")
    return _shown(view, "today/today.html")


@router.get("/today/live")
def live(view: Viewer) -> Response:
    """The part of the page that refreshes itself."""
    return _shown(view, "today/live.html")


def _shown(view: View, template: str) -> Response:
    found, history, restored = view.shared(("status", view.caller.tenant), FRESH_S, lambda: _facts(view))
    return view.page(
        template,
        look=first_look(found),
        sparks=_sparks(view, found, history),
        now=found.at,
        shadow=found.shadow,
        restored=restored,
    )


def _facts(view: View) -> tuple[Status, Sequence[HistoryDay], bool]:
    found = gather(view.runtime, tenant=view.caller.tenant)
    today = days.day_of(found.at)
    with view.transaction() as connection:
        history = read_history(connection, today - dt.timedelta(days=TREND_DAYS), today)
        return found, history, bool(going_on.waiting(connection))


def _sparks(view: View, found: Status, history: Sequence[HistoryDay]) -> Mapping[str, Markup]:
    """Each number of the last days as a small line, up to yesterday."""
    yesterday = days.day_of(found.at) - dt.timedelta(days=1)
    drawn = {}
    for key in NUMBERS:
        title = view.t(f"today.number_{key}")
        about = view.t("today.trend", number=title, days=TREND_DAYS)
        drawn[key] = spark(Caption(f"trend-{key.replace('_', '-')}", title, about), trend(history, yesterday, key))
    return drawn
