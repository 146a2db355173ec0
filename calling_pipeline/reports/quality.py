"""Judgements of the newest revision of a report, pure; the asset checks show the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calling_pipeline.quality import Finding


@dataclass(frozen=True)
class ReportFacts:
    """The newest revision of a period, None totals when there is none, and what is kept of its days now.

    `disagreements`: where it says something else than its control totals. `lacks`: what it lacks and may still get.
    """

    revision: int
    control: Mapping[str, int] | None
    kept: Mapping[str, int]
    disagreements: Sequence[str]
    lacks: Sequence[str]


def control_totals_agree(facts: ReportFacts) -> Finding:
    """Every section says the same as the report's control totals."""
    if facts.control is None:
        return Finding(True, "no report was made yet")
    found = facts.disagreements
    return Finding(not found, "; ".join(found[:3]) or f"revision {facts.revision} agrees with itself", tuple(found))


def numbers_are_those_kept(facts: ReportFacts) -> Finding:
    """The control totals are what the kept numbers of its days add up to: no correction came after it."""
    if facts.control is None:
        return Finding(True, "no report was made yet")
    wrong = [
        f"{name} {facts.control[name]}, kept {kept}" for name, kept in facts.kept.items() if facts.control[name] != kept
    ]
    return Finding(not wrong, "; ".join(wrong) or "the kept numbers are the reported ones", tuple(wrong))


def report_is_whole(facts: ReportFacts) -> Finding:
    """Nothing is missing from the newest revision but days from before the first one that is known."""
    return Finding(not facts.lacks, "; ".join(facts.lacks) or "the report is whole", numbers={"lacks": len(facts.lacks)})
