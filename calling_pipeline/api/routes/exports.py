"""Large exports over HTTP: asking for one, how far it is, and its file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Language
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import LARGEST_ID, Limit, Offset, RuntimeDep, Short
from calling_pipeline.api.envelope import Described, Page, Success, ok, page
from calling_pipeline.reports.exports import asking, store
from calling_pipeline.reports.exports.dependencies import folder_of, link_key, oldest_day
from calling_pipeline.reports.exports.records import MEDIA, Export, ExportDocument
from calling_pipeline.runtime import Runtime

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])
Operator = Annotated[Caller, Depends(requires(asking.ROLE, asking.ROOM))]
ExportId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class Asking(BaseModel):
    """Which call records are wanted."""

    model_config = ConfigDict(extra="forbid")

    first: Short = Field(alias="from", description="first day, YYYY-MM-DD, today or yesterday")
    last: Short = Field(alias="to", description="last day, included; 31 days at most")
    format: Short = Field("csv.gz", description="csv.gz or xlsx")
    language: Language = "zh"
    filters: dict[Short, Short] = Field(
        default_factory=dict, description="agent_id, task_name, province; connected and ordered are yes or no"
    )


class LinkedExport(ExportDocument):
    """An export; `link` leads to its file while there is one."""

    link: str | None


@router.get("")
def list_exports(
    runtime: RuntimeDep, caller: Operator, limit: Limit = 100, offset: Offset = 0
) -> Success[Page[Described[LinkedExport]]]:
    """Your exports, the newest first; an admin sees everybody's."""
    with runtime.transaction() as connection:
        found, total = store.listed(connection, asked_by=asking.whose(caller), limit=limit, offset=offset)
    return page([_document(one, runtime) for one in found], total, limit, offset)


@router.post("")
def ask_for_export(runtime: RuntimeDep, caller: Operator, body: Asking) -> Success[Described[LinkedExport]]:
    """Ask for call records as one file. A run writes it; `state` and `percent` say how far it is."""
    wanted = asking.wanted_of(body.first, body.last, body.format, body.language, body.filters, oldest=oldest_day(runtime))
    with runtime.transaction() as connection:
        return ok(_document(asking.ask(connection, wanted, by=caller.name), runtime))


@router.get("/{export_id}")
def show_export(runtime: RuntimeDep, caller: Operator, export_id: ExportId) -> Success[Described[LinkedExport]]:
    """How far an export is; when it is done, `link` leads to its file until `expires_at`."""
    with runtime.transaction() as connection:
        return ok(_document(asking.visible(connection, export_id, caller), runtime))


@router.get("/{export_id}/file", response_class=FileResponse)
def fetch_export(
    runtime: RuntimeDep,
    caller: Operator,
    export_id: ExportId,
    key: Annotated[Short, Query(description="of the link that the export names")] = "",
) -> FileResponse:
    """The file, for who asked for it or an admin. Its SHA-256 is in the header `X-Digest`; the audit log has who took it."""
    with runtime.transaction() as connection:
        export, path = asking.fetched(connection, export_id, caller, key, key=link_key(runtime), folder=folder_of(runtime))
    headers = {"X-Digest": export.digest or "", "Cache-Control": "no-store"}
    return FileResponse(path, media_type=MEDIA[export.wanted.format], filename=export.name, headers=headers)


def _document(export: Export, runtime: Runtime) -> LinkedExport:
    done = export.state == "done"
    link = f"/api/v1/exports/{export.id}/file?key={asking.link_secret(export, link_key(runtime))}" if done else None
    return {**export.document, "link": link}
