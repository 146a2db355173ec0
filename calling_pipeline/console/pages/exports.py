"""`/exports`: asking for call records as one file, how far each export is, and its file."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import FileResponse, Response

from calling_pipeline import days
from calling_pipeline.api.dependencies import LARGEST_ID
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import NotFound
from calling_pipeline.reports.exports import asking, store
from calling_pipeline.reports.exports.dependencies import folder_of, link_key, oldest_day
from calling_pipeline.reports.exports.records import MEDIA, REPORT

router = APIRouter(tags=["exports"])
Operator = Annotated[View, Depends(viewing(asking.ROLE, asking.ROOM))]
SHOWN = 50
_LIVE_S = 1.0


@router.get("/exports")
def exports(view: Operator) -> Response:
    """The form, and the newest exports."""
    yesterday = days.today() - dt.timedelta(days=1)
    return view.page("exports/exports.html", found=_found(view), day=yesterday, most=asking.MOST_DAYS)


@router.get("/exports/live")
def live(view: Operator) -> Response:
    """The list alone, as the page asks for it again."""
    return view.page("exports/live.html", found=_found(view))


@router.post("/exports")
def ask(
    view: Operator,
    first: Annotated[str, Form(max_length=20)] = "",
    last: Annotated[str, Form(max_length=20)] = "",
    format: Annotated[str, Form(max_length=20)] = "",
    connected: Annotated[str, Form(max_length=20)] = "",
    ordered: Annotated[str, Form(max_length=20)] = "",
    agent_id: Annotated[str, Form(max_length=300)] = "",
    task_name: Annotated[str, Form(max_length=300)] = "",
    province: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Keep that it is wanted; a run writes it."""
    filters = {
        "connected": connected,
        "ordered": ordered,
        "agent_id": agent_id,
        "task_name": task_name,
        "province": province,
    }
    oldest = oldest_day(view.runtime)
    wanted = asking.wanted_of(
        first.strip(), last.strip(), format, view.language, filters, oldest=oldest, names=("first", "last")
    )
    with view.transaction() as connection:
        export = asking.ask(connection, wanted, by=view.caller.name)
    return view.done("exports.done_asked", back="/exports", id=export.id)


@router.get("/exports/{export_id}/file")
def fetch(view: Operator, export_id: str, key: str = "") -> FileResponse:
    """The file, for who asked for it or an admin, by a link of this page."""
    if not (export_id.isascii() and export_id.isdigit() and int(export_id[:19]) <= LARGEST_ID):
        raise NotFound(f"there is no export {export_id[:20]}")
    with view.transaction() as connection:
        export, path = asking.fetched(
            connection, int(export_id[:19]), view.caller, key, key=link_key(view.runtime), folder=folder_of(view.runtime)
        )
    headers = {"X-Digest": export.digest or "", "Cache-Control": "no-store"}
    return FileResponse(path, media_type=MEDIA[export.wanted.format], filename=export.name, headers=headers)


def _found(view: View) -> list[dict[str, Any]]:
    whose = asking.whose(view.caller)

    def read() -> list[dict[str, Any]]:
        key = link_key(view.runtime)
        with view.transaction() as connection:
            found, _ = store.listed(connection, asked_by=whose, limit=SHOWN)
        return [
            {
                "export": one,
                "link": f"/exports/{one.id}/file?key={asking.link_secret(one, key)}" if one.state == "done" else "",
                "filters": ", ".join(value for name, value in one.wanted.filters.items() if name != REPORT),
                "megabytes": None if one.bytes is None else round(one.bytes / 1e6, 1),
            }
            for one in found
        ]

    return view.shared(("exports", whose), _LIVE_S, read)
