"""`/reports/{kind}/{period}`: a whole report as a page, any of its revisions, and its files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import addresses, days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import documents, periods, store
from calling_pipeline.reports.downloads import FORMATS, file_of
from calling_pipeline.reports.exports import asking
from calling_pipeline.reports.exports.dependencies import oldest_day
from calling_pipeline.reports.page import shown, shown_changes
from calling_pipeline.reports.records import Period
from calling_pipeline.texts.catalogue import LANGUAGES

router = APIRouter(tags=["reports"])
Viewer = Annotated[View, Depends(viewing("viewer", "reports"))]
Exporter = Annotated[View, Depends(viewing(asking.ROLE, asking.ROOM))]
_LARGEST = 1_000_000


@router.get("/reports/{kind}/{period}")
def preview(view: Viewer, kind: str, period: str, revision: str = "") -> Response:
    """The report of the period; `revision` chooses one, without it the newest is shown."""
    wanted = _period(kind, period)
    with view.transaction() as connection:
        revisions = store.revisions(connection, wanted)
        if not revisions:
            return view.page(
                "reports/none.html", kind=kind, period=wanted, name=documents.period_name(wanted, view.language)
            )
        stored, report = store.read(connection, wanted, _revision(revision))
        files = store.files_of(connection, stored.id)
    return view.page(
        "reports/report.html",
        stored=stored,
        report=shown(report, view.language),
        changes=shown_changes(stored.changes, view.language),
        revisions=revisions,
        files=files,
        formats=list(FORMATS),
        here_is=addresses.of_report(wanted.kind, wanted.label),
        asset=f"{wanted.kind}_report",
        partition=f"{wanted.first:%Y-%m-%d}",
        before=periods.before(wanted).label,
        after=periods.after(wanted).label if periods.after(wanted).first <= days.today() else "",
    )


@router.get("/reports/{kind}/{period}/rows")
def ask_rows(view: Exporter, kind: str, period: str, revision: str = "") -> Response:
    """How many call records would be added to which workbook."""
    with view.transaction() as connection:
        stored, _ = store.read(connection, _period(kind, period), _revision(revision))
    asking.wanted_of_report(stored, view.language, oldest=oldest_day(view.runtime))
    name = f"{documents.kind_name(stored.period.kind, view.language)} {documents.period_name(stored.period, view.language)}"
    here = addresses.of_report(stored.period.kind, stored.period.label)
    return view.page("reports/rows.html", stored=stored, name=name, here_is=here)


@router.post("/reports/{kind}/{period}/rows")
def ask_for_rows(view: Exporter, kind: str, period: str, revision: Annotated[str, Form(max_length=10)] = "") -> Response:
    """Keep that the workbook with its rows is wanted; a run writes it."""
    with view.transaction() as connection:
        stored, _ = store.read(connection, _period(kind, period), _revision(revision))
        wanted = asking.wanted_of_report(stored, view.language, oldest=oldest_day(view.runtime))
        export = asking.ask(connection, wanted, by=view.caller.name)
    return view.done("exports.done_asked", back="/exports", id=export.id)


@router.get("/reports/{kind}/{period}/file")
def download(view: Viewer, kind: str, period: str, format: str = "json", language: str = "", revision: str = "") -> Response:
    """The report as a file, in the page's language unless another is asked for; who took it stands in the audit log."""
    if language and language not in LANGUAGES:
        raise InvalidInput(f"language is one of {', '.join(LANGUAGES)}; it was {language[:20]!r}", field="language")
    with view.transaction() as connection:
        stored, report = store.read(connection, _period(kind, period), _revision(revision))
        file = file_of(connection, stored, report, language or view.language, format, font=view.runtime.settings.report_font)
        subject = f"report:{kind}/{stored.period.label}"
        note_act(connection, "report.download", subject, by=view.caller.name, after={"file": file.name})
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "X-Digest": file.digest}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _period(kind: str, text: str) -> Period:
    return periods.named(periods.kind_of(kind), text, days.today())


def _revision(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:8]) < _LARGEST):
        raise InvalidInput("revision is a whole number from 1 on", field="revision")
    return int(text)
