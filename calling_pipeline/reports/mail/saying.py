"""What a mail says: the report's own numbers in a language, as page and files write them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calling_pipeline import addresses
from calling_pipeline.access.people.records import Language
from calling_pipeline.reports import documents
from calling_pipeline.reports.records import Change, Chart, Report
from calling_pipeline.texts.catalogue import catalogue

MOST_CHANGES = 12
CHARTS = 2
_CHARTED = "trend"


@dataclass(frozen=True)
class Line:
    """A name with its value; `before` and `difference` compare it with the period before, empty where nothing is known."""

    name: str
    value: str
    before: str = ""
    difference: str = ""


@dataclass(frozen=True)
class Box:
    """What must be read first: that numbers are missing, or that they were corrected."""

    head: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A chart within the mail."""

    name: str
    alt: str
    cid: str


@dataclass(frozen=True)
class Said:
    """All texts of one mail."""

    title: str
    subject: str
    made: str
    boxes: Sequence[Box]
    summary: str
    head_figure: str
    head_value: str
    head_before: str
    head_difference: str
    figures: Sequence[Line]
    notes: Sequence[str]
    charts: Sequence[Picture]
    link: str
    link_text: str
    attached: str
    control_head: str
    control_about: str
    code: str
    control: Sequence[Line]
    why: str


def said(
    report: Report,
    changes: Sequence[Change],
    language: Language,
    *,
    console: str,
    correction: bool,
    pictures: Sequence[Picture] = (),
    attached: Sequence[str] = (),
) -> Said:
    """What the mail of a report says. `console`: address of the pages; `attached`: names of the files."""
    summary = report.section("summary")
    title = documents.title(report, language)
    return Said(
        title=title,
        subject=_subject(report, title, language, correction=correction),
        made=say("made", language, at=documents.written(report.made_at, "moment", language), revision=report.revision),
        boxes=_boxes(report, changes, language, correction=correction),
        summary=documents.section_name("summary", language),
        head_figure=say("figure", language),
        head_value=say("value", language),
        head_before=say("before", language),
        head_difference=say("difference", language),
        figures=[
            Line(
                documents.figure_name(one.name, language),
                documents.written(one.value, one.kind, language),
                documents.written(one.before, one.kind, language) if one.before is not None else "",
                documents.difference(one, language),
            )
            for one in summary.figures
        ],
        notes=[documents.note_said(note, language) for note in summary.notes],
        charts=pictures,
        link=f"{console}{addresses.of_report(report.kind, report.period.label)}",
        link_text=say("link", language),
        attached=say("attached", language, files=_listed(attached, language)) if attached else "",
        control_head=say("control", language),
        control_about=say("control_about", language),
        code=report.control_code,
        control=[Line(documents.control_name(name, language), f"{total:,}") for name, total in report.control.items()],
        why=say("why", language),
    )


def charts_of(report: Report) -> Sequence[Chart]:
    """The charts that a mail shows."""
    found = [section.charts for section in report.sections if section.name == _CHARTED]
    return found[0][:CHARTS] if found else ()


def say(name: str, language: Language, **values: object) -> str:
    """A text of the mails' own."""
    return catalogue().text(f"report_mail.say_{name}", language, **values)


def _subject(report: Report, title: str, language: Language, *, correction: bool) -> str:
    marks = [say("subject_correction", language, revision=report.revision)] if correction else []
    marks += [say("subject_partial", language)] if report.partial else []
    return " ".join([*marks, title])


def _boxes(report: Report, changes: Sequence[Change], language: Language, *, correction: bool) -> Sequence[Box]:
    boxes = []
    if correction:
        lines = [_changed(change, language) for change in changes[:MOST_CHANGES]]
        if len(changes) > MOST_CHANGES:
            lines.append(say("more_changes", language, n=len(changes) - MOST_CHANGES))
        boxes.append(Box(say("correction", language, revision=report.revision), lines or [say("rows_changed", language)]))
    if report.partial:
        boxes.append(Box(say("partial", language), [documents.note_said(note, language) for note in report.partial]))
    return boxes


def _changed(change: Change, language: Language) -> str:
    name = (
        documents.control_name(change.name, language)
        if change.section == "control"
        else f"{documents.section_name(change.section, language)} · {documents.figure_name(change.name, language)}"
    )
    before, after = (documents.written(value, change.kind, language) for value in (change.before, change.after))
    return f"{name}: {before} → {after}" if language == "en" else f"{name}：{before} → {after}"


def _listed(names: Sequence[str], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(names)
