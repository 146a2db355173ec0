"""Pure judgements about the task ledger; the asset checks wrap them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Whether all is well, one sentence, and the first few offenders."""

    passed: bool
    sentence: str
    examples: tuple[str, ...] = ()


def ids_are_unique(repeated: Sequence[str]) -> Finding:
    """No task id twice, blanks and case ignored."""
    return Finding(not repeated, f"{len(repeated)} task ids are in the ledger more than once", tuple(repeated[:10]))


def charges_match(differences: Sequence[tuple[str, str]]) -> Finding:
    """Every completed paid task has its charge and every charge its completed paid task."""
    examples = tuple(f"{task_id}: {difference}" for task_id, difference in differences[:10])
    return Finding(not differences, f"{len(differences)} tasks and charges disagree", examples)
