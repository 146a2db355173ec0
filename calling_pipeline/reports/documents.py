"""How a report is written in a language: one place for page, PDF, sheet and mail.

Names are looked for in `reports.toml` first and then in the words of the analyses.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from calling_pipeline import days
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis import wording
from calling_pipeline.analysis.records import Figure, Kind, Note, Value
from calling_pipeline.reports.records import Period, Report, ReportKind
from calling_pipeline.texts.catalogue import catalogue

_LONGEST = 300


def written(value: Value, kind: Kind, language: Language) -> str:
    """A value as people read it: `1,234`, `12.34 %`, `1:02:03` for seconds, a moment in Shanghai, a dash for unknown.

    A text from outside is shown as text, without control characters, cut after 300 characters.
    """
    if value is None or value == "":
        return wording.NOTHING
    match kind:
        case "seconds" if isinstance(value, int | float | Decimal):
            return _lasting(float(value))
        case "percent" if isinstance(value, int | float | Decimal):
            return f"{value:.2f} %"
        case "number" | "yuan" if isinstance(value, float | Decimal):
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        case "moment" if isinstance(value, dt.datetime):
            return f"{value.astimezone(days.SHANGHAI):%Y-%m-%d %H:%M}"
        case "month" if isinstance(value, dt.date):
            return f"{value:%Y-%m}"
        case "word":
            return word(str(value), language)
        case "text":
            return outside(str(value))
        case _:
            return wording.said(value, kind, language)


def outside(text: str) -> str:
    """A text from outside without control characters or such that turn the direction of what follows, cut when long."""
    shown = "".join("\N{REPLACEMENT CHARACTER}" if _unprintable(char) else char for char in text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def difference(figure: Figure, language: Language) -> str:
    """How a figure differs from the period before, with its sign; empty where that is not known.

    Of counts in percent of what they were, of percentages in points.
    """
    value, before = figure.value, figure.before
    if not isinstance(value, int | float | Decimal) or not isinstance(before, int | float | Decimal):
        return ""
    if figure.kind == "percent":
        return say("points", language, value=f"{float(value) - float(before):+.2f}")
    if before == 0:
        return "±0 %" if value == 0 else ""
    return f"{100 * (float(value) - float(before)) / abs(float(before)):+.1f} %"


def title(report: Report, language: Language) -> str:
    """The head of the report: its kind and period."""
    return f"{kind_name(report.kind, language)} {period_name(report.period, language)}"


def kind_name(kind: ReportKind, language: Language) -> str:
    """Daily, weekly or monthly report."""
    return catalogue().text(f"reports.kind_{kind}", language)


def period_name(period: Period, language: Language) -> str:
    """The period in words: a day with its weekday, a week with its days, a month."""
    if period.kind == "daily":
        weekday = catalogue().text(f"analysis.weekday_{period.first.isoweekday()}", language)
        return f"{period.first.isoformat()} ({weekday})" if language == "en" else f"{period.first.isoformat()}（{weekday}）"
    if period.kind == "monthly":
        return period.label
    return say("week_named", language, week=period.label, first=period.first, last=period.last)


def section_name(name: str, language: Language) -> str:
    """The head of a section."""
    return _known(name, language, f"reports.section_{name}")


def section_about(name: str, language: Language) -> str:
    """What a section shows, in a sentence."""
    return _known(name, language, f"reports.about_{name}")


def table_name(name: str, language: Language) -> str:
    """The caption of a table."""
    return _known(name, language, f"reports.table_{name}", f"analysis.table_{name}")


def column_name(name: str, language: Language) -> str:
    """The head of a column."""
    return _known(name, language, f"reports.column_{name}", f"analysis.column_{name}")


def figure_name(name: str, language: Language) -> str:
    """The label of a figure."""
    return _known(name, language, f"reports.figure_{name}", f"analysis.figure_{name}")


def control_name(name: str, language: Language) -> str:
    """The label of a control total."""
    return _known(name, language, f"reports.control_{name}")


def chart_name(name: str, language: Language) -> str:
    """The title of a chart."""
    return _known(name, language, f"reports.chart_{name}")


def note_said(note: Note, language: Language) -> str:
    """The sentence of a note; words among its values in the language."""
    values = {name: _note_value(name, value, language) for name, value in note.values.items()}
    key = f"reports.note_{note.name}"
    try:
        return catalogue().text(key if key in catalogue().keys else f"analysis.note_{note.name}", language, **values)
    except KeyError:  # a report of a version before, whose sentence has changed since
        return f"{note.name}: {', '.join(f'{name} {value}' for name, value in values.items())}"


def cut_said(shown: int, total: int, language: Language) -> str:
    """That a table shows so many of so many rows."""
    return say("cut", language, shown=f"{shown:,}", total=f"{total:,}")


def word(value: str, language: Language) -> str:
    """One of our own words, or a sentence of a room; what is unknown as it is."""
    plain = value.replace(":", "_").replace(".", "_")
    for key in (f"reports.word_{value}", f"telephony.rule_{plain}", f"batches.state_{value}"):
        if key in catalogue().keys:
            return catalogue().text(key, language)
    known = wording.word(value, language)
    return known if known != value else outside(catalogue().say(value, language))


def say(name: str, language: Language, **values: object) -> str:
    """A text of the reports' own."""
    return catalogue().text(f"reports.say_{name}", language, **values)


def _note_value(name: str, value: object, language: Language) -> str:
    if name in ("track", "state"):
        return word(str(value), language)
    if name == "rules" and isinstance(value, str):
        return _known(value, language, f"stats.rule_{value}")
    if isinstance(value, dt.datetime):
        return written(value, "moment", language)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ("、" if language == "zh" else ", ").join(_note_value(name, one, language) for one in value)
    return outside(str(value))


def _known(name: str, language: Language, *keys: str) -> str:
    """The text of the first key there is; the name itself where a report of a version before has one we do not know."""
    for key in keys:
        if key in catalogue().keys:
            return catalogue().text(key, language)
    return name


def _lasting(seconds: float) -> str:
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{'-' if seconds < 0 else ''}{hours}:{minutes:02d}:{rest:02d}"


def _unprintable(char: str) -> bool:
    code = ord(char)
    control = code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000
    return control or char in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
