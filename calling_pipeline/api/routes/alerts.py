"""What is wrong now or was lately, over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.alerts import store, views
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Limit, Offset, PathId, RuntimeDep, Short
from calling_pipeline.api.envelope import Described, Page, Success, ok, page

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
Viewer = Annotated[Caller, Depends(requires("viewer", "alerts"))]


@router.get("")
def list_alerts(
    runtime: RuntimeDep,
    caller: Viewer,
    open_only: Annotated[bool, Query(alias="open", description="only what is wrong now")] = False,
    days_back: Annotated[int, Query(alias="days", ge=1, le=3650, description="what closed within so many days")] = 2,
    kind: Annotated[Short, Query(description="check, run, tick, stale, held, batch_unknown, …")] = "",
    severity: Annotated[Short, Query(description="error or warning")] = "",
    day: Annotated[dt.date | None, Query(description="the day it is about")] = None,
    text: Annotated[Short, Query(description="words in its title, subject or text")] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Described[views.ConditionLine]]]:
    """Everything that is wrong (`open`), and what recovered lately (`closed`): open first, the newest change first."""
    since = days.now() - dt.timedelta(days=days_back)
    wanted: dict[str, Any] = {"since": since, "only_open": open_only, "kind": kind, "severity": severity}
    wanted |= {"day": day, "text": text}
    with runtime.transaction() as connection:
        found = views.listed(connection, **wanted, limit=limit, offset=offset)
        total = store.count_conditions(connection, **wanted)
    return page([views.line(one) for one in found], total, limit, offset)


@router.get("/{alert_id}")
def show_alert(runtime: RuntimeDep, alert_id: PathId, caller: Viewer) -> Success[Described[views.ConditionDocument]]:
    """One of them in full: what to do, where to look, and every alert that was sent about it."""
    with runtime.transaction() as connection:
        s = runtime.settings
        return ok(views.document(connection, alert_id, ui_url=s.ui_address, console_url=s.address, centre=s.centre))
