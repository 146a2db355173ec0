"""What differs between two revisions of a report: control totals and figures, each before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calling_pipeline.analysis.records import Kind, Value
from calling_pipeline.reports.records import Change, Report

_Numbers = dict[tuple[str, str], tuple[Value, Kind]]


def changes_between(older: Report, newer: Report) -> Sequence[Change]:
    """The control totals and the figures of settled sections that differ, in the order in which they are read.

    A figure stands for itself: where only rows of a table differ, nothing is listed for it.
    """
    before, after = (dict(_numbers(report)) for report in (older, newer))
    return [
        Change(section, name, (after.get(key) or before[key])[1], _value(before, key), _value(after, key))
        for key in dict.fromkeys([*after, *before])
        for section, name in [key]
        if _value(before, key) != _value(after, key)
    ]


def _numbers(report: Report) -> Iterator[tuple[tuple[str, str], tuple[Value, Kind]]]:
    for name, total in report.control.items():
        yield ("control", name), (total, "whole")
    for section in report.sections:
        if section.settled:
            for figure in section.figures:
                yield (section.name, figure.name), (figure.value, figure.kind)


def _value(numbers: _Numbers, key: tuple[str, str]) -> Value:
    return numbers[key][0] if key in numbers else None
