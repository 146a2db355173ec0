"""The control totals of a report: one set that stands on page, PDF, sheet and mail. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from calling_pipeline.reports.gathering import Sums
from calling_pipeline.reports.records import Report, Section, rows_of

_SUMMED = ("dialled", "connected", "records", "grade_9", "grade_1", "orders")


def totals_of(days: int, sums: Sums) -> Mapping[str, int]:
    """The control totals of so many days whose known ones add up to `sums`."""
    return {
        "days": days,
        "task_days": sums.task_days,
        "grade_days": sums.grade_days,
        **{name: getattr(sums, name) for name in _SUMMED},
    }


def control_of(report: Report) -> Mapping[str, int]:
    """The control totals counted again from the days on the report's page of proof."""
    rows = rows_of(report.section("proof").tables, "control")

    def total(name: str) -> int:
        return sum(cast(int, row[name]) for row in rows)

    return {
        "days": len(rows),
        "task_days": total("task_known"),
        "grade_days": total("grade_known"),
        **{name: total(name) for name in _SUMMED},
    }


def disagreements(report: Report) -> Sequence[str]:
    """Where the report says something else than its control totals; empty when it agrees with itself."""
    found = []
    counted = control_of(report)
    if dict(counted) != dict(report.control):
        found.append(f"the days add up to {dict(counted)}, the control totals are {dict(report.control)}")
    found += [sentence for section in report.sections for sentence in _figures(section, report.control)]
    return found


def _figures(section: Section, control: Mapping[str, int]) -> Sequence[str]:
    if section.name not in ("summary", "tracks"):
        return ()
    return [
        f"{section.name} says {one.name} {one.value}, the control totals {control[one.name]}"
        for one in section.figures
        if one.name in control and one.value != control[one.name]
    ]
