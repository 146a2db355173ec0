"""Pure judgements about the task ledger; the asset checks wrap them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calling_pipeline.quality import Finding


@dataclass(frozen=True)
class LedgerFacts:
    """What the checks need: ids that differ only in blanks or case, and tasks whose charge does not fit (id, how)."""

    repeated_ids: Sequence[str]
    charge_differences: Sequence[tuple[str, str]]


def ids_are_unique(facts: LedgerFacts) -> Finding:
    """No task id twice, blanks and case ignored."""
    repeated = facts.repeated_ids
    sentence = f"{len(repeated)} task ids are in the ledger more than once"
    return Finding(not repeated, sentence, tuple(repeated[:10]), {"repeated": len(repeated)})


def charges_match(facts: LedgerFacts) -> Finding:
    """Every completed paid task has its charge and every charge its completed paid task."""
    differences = facts.charge_differences
    examples = tuple(f"{task_id}: {difference}" for task_id, difference in differences[:10])
    numbers = {"differences": len(differences)}
    return Finding(not differences, f"{len(differences)} tasks and charges disagree", examples, numbers)
