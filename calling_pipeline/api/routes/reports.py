"""The reports of days, weeks and months over HTTP: their history, their facts, making one, and their files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Language
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Limit, Offset, RuntimeDep, Short, Text
from calling_pipeline.api.envelope import Described, Page, Success, ok, page
from calling_pipeline.reports import making, periods, store, views
from calling_pipeline.reports.downloads import file_of
from calling_pipeline.reports.exports import asking
from calling_pipeline.reports.exports.dependencies import oldest_day
from calling_pipeline.reports.exports.records import ExportDocument
from calling_pipeline.reports.records import Period, ReportKind

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])
Viewer = Annotated[Caller, Depends(requires("viewer", "reports"))]
Operator = Annotated[Caller, Depends(requires("operator", "reports"))]
Exporter = Annotated[Caller, Depends(requires(asking.ROLE, asking.ROOM))]
Revision = Annotated[int | None, Query(ge=1, le=1_000_000, description="without it the newest")]


class Making(BaseModel):
    """Why a report is made by hand."""

    model_config = ConfigDict(extra="forbid")

    reason: Text = Field(min_length=1, max_length=500, description="stands in the ledger and in the audit log")


class Rows(BaseModel):
    """Which workbook the rows are added to."""

    model_config = ConfigDict(extra="forbid")

    revision: int | None = Field(None, ge=1, le=1_000_000, description="without it the newest")
    language: Language = "zh"


@router.get("")
def list_reports(
    runtime: RuntimeDep,
    caller: Viewer,
    kind: Annotated[ReportKind | None, Query(description="only these")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Success[Page[Described[views.ReportLine]]]:
    """The newest revision of each period, newest period first."""
    with runtime.transaction() as connection:
        found = store.listed(connection, kind, limit=limit, offset=offset)
        total = store.count_periods(connection, kind)
    return page([views.line(one) for one in found], total, limit, offset)


@router.get("/{kind}/{period}")
def show_report(
    runtime: RuntimeDep, caller: Viewer, kind: ReportKind, period: Short, revision: Revision = None
) -> Success[Described[views.ReportDocument]]:
    """The facts of a report: figures, tables, charts and notes by section, its control totals, and what changed.

    `period`: `2026-11-29`, `2026-W48`, `2026-11`, a day within it, or `last`.
    """
    with runtime.transaction() as connection:
        return ok(views.document(*store.read(connection, _period(kind, period), revision)))


@router.get("/{kind}/{period}/revisions")
def list_revisions(
    runtime: RuntimeDep, caller: Viewer, kind: ReportKind, period: Short
) -> Success[list[Described[views.ReportLine]]]:
    """Every revision of the period's report, newest first, each with what changed."""
    with runtime.transaction() as connection:
        return ok([views.line(one) for one in store.revisions(connection, _period(kind, period))])


@router.post("/{kind}/{period}/make")
def make_report(
    runtime: RuntimeDep, caller: Operator, kind: ReportKind, period: Short, body: Making
) -> Success[Described[views.MadeDocument]]:
    """Make the report now, whatever it lacks, which it then says. A new revision only if a number changed."""
    with runtime.transaction() as connection:
        made = making.make(
            connection,
            _period(kind, period),
            by=caller.name,
            deadline_h=runtime.settings.report_deadline,
            agent_names=runtime.settings.agent_names,
            reason=body.reason,
        )
    return ok(views.made_document(made))


@router.post("/{kind}/{period}/rows")
def ask_for_rows(
    runtime: RuntimeDep, caller: Exporter, kind: ReportKind, period: Short, body: Rows
) -> Success[Described[ExportDocument]]:
    """Ask for the report's workbook with the call records of its days, phones masked. It is an export: a run writes it.

    `GET /api/v1/exports/{id}` says how far it is and leads to the file.
    """
    with runtime.transaction() as connection:
        stored, _ = store.read(connection, _period(kind, period), body.revision)
        wanted = asking.wanted_of_report(stored, body.language, oldest=oldest_day(runtime))
        return ok(asking.ask(connection, wanted, by=caller.name).document)


@router.get("/{kind}/{period}/file", response_class=Response)
def download_report(
    runtime: RuntimeDep,
    caller: Viewer,
    kind: ReportKind,
    period: Short,
    format: Annotated[Short, Query(description="json, pdf, xlsx or csv")] = "json",
    language: Language = "zh",
    revision: Revision = None,
) -> Response:
    """The report as a file. Its SHA-256 stands in the header `X-Digest` and in the ledger; who took it in the audit log."""
    with runtime.transaction() as connection:
        stored, report = store.read(connection, _period(kind, period), revision)
        file = file_of(connection, stored, report, language, format, font=runtime.settings.report_font)
        note_act(
            connection, "report.download", f"report:{kind}/{stored.period.label}", by=caller.name, after={"file": file.name}
        )
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "X-Digest": file.digest}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _period(kind: ReportKind, text: str) -> Period:
    return periods.named(kind, text, days.today())
