"""What an analysis found in the words of a language: names, values as people read them, notes. One place for all doors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from calling_pipeline import days, sheets
from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Column, Figure, Kind, Note, Table, Value
from calling_pipeline.texts.catalogue import catalogue

NOTHING = "–"


def title(name: str, language: Language) -> str:
    """The name of an analysis."""
    return catalogue().text(f"analysis.name_{name}", language)


def about(name: str, language: Language) -> str:
    """What the analysis answers, in a sentence."""
    return catalogue().text(f"analysis.about_{name}", language)


def table_name(name: str, language: Language) -> str:
    """The caption of a table."""
    return catalogue().text(f"analysis.table_{name}", language)


def column_name(name: str, language: Language) -> str:
    """The head of a column."""
    return catalogue().text(f"analysis.column_{name}", language)


def figure_name(name: str, language: Language) -> str:
    """The label of a figure."""
    return catalogue().text(f"analysis.figure_{name}", language)


def option_name(name: str, language: Language) -> str:
    """The label of an option."""
    return catalogue().text(f"analysis.option_{name}", language)


def choice_name(value: str, language: Language) -> str:
    """The words of a value that an option may have."""
    return catalogue().text(f"analysis.choice_{value}", language)


def note_said(note: Note, language: Language) -> str:
    """The sentence of a note; `why`, a sentence of a room, in the language too."""
    values = dict(note.values)
    if "why" in values:
        values["why"] = catalogue().say(str(values["why"]), language)
    return catalogue().text(f"analysis.note_{note.name}", language, **values)


def word(value: str, language: Language) -> str:
    """One of our own words; what is unknown as it is."""
    key = f"analysis.word_{value}"
    return catalogue().text(key, language) if key in catalogue().keys else value


def said(value: Value, kind: Kind, language: Language) -> str:
    """A value as people read it; a dash for what is not known."""
    if value is None or value == "":
        return NOTHING
    match kind:
        case "word":
            return word(str(value), language)
        case "weekday":
            return catalogue().text(f"analysis.weekday_{value}", language)
        case "hour":
            return f"{int(str(value)):02d}:00"
        case "whole":
            return f"{value:,.0f}" if isinstance(value, int | float) else str(value)
        case "number" | "yuan" | "seconds":
            return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
        case "percent":
            return f"{value:.2f} %"
        case "moment" if isinstance(value, dt.datetime):
            return f"{value.astimezone(days.SHANGHAI):%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value)


def figure_said(figure: Figure, language: Language) -> str:
    """The value of a figure with its interval."""
    value = said(figure.value, figure.kind, language)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({interval(figure.low, figure.high, figure.kind, language)})"


def interval(low: Value, high: Value, kind: Kind, language: Language) -> str:
    """Both ends of an interval."""
    return f"{said(low, kind, language).removesuffix(' %')} … {said(high, kind, language)}"


def table_said(table: Table, language: Language, *, most: int) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Heads and at most `most` rows as people read them, an interval behind its value."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    ends = {name for column in table.columns for name in (column.low, column.high)}
    shown = [column for column in table.columns if column.name not in ends]

    def cell(row: Sequence[Value], column: Column) -> str:
        value = said(row[places[column.name]], column.kind, language)
        if not column.low or row[places[column.low]] is None:
            return value
        return f"{value} ({interval(row[places[column.low]], row[places[column.high]], column.kind, language)})"

    heads = [column_name(column.name, language) for column in shown]
    return heads, [[cell(row, column) for column in shown] for row in table.rows[:most]]


def csv_rows(table: Table, language: Language) -> Iterator[Sequence[str]]:
    """The table for a CSV file, heads first; numbers are plain, and no text is one that a sheet would calculate."""
    yield [column_name(column.name, language) for column in table.columns]
    for row in table.rows:
        yield [_plain(value, column.kind, language) for value, column in zip(row, table.columns, strict=True)]


def _plain(value: Value, kind: Kind, language: Language) -> str:
    if value is None:
        return ""
    if kind in ("word", "weekday", "moment"):
        return said(value, kind, language)
    return str(sheets.plain(value))
