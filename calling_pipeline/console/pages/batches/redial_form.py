"""The redial rules in the form of a calling task: a line for each result, empty where there is no rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_RESULTS
from calling_pipeline.call_batches.calling_tasks.redials.rules import hours_of, span_text
from calling_pipeline.errors import InvalidInput

BELOW = "redial_short_talk_below"
FIELDS = (*(f"redial_{result}_{part}" for result in REDIAL_RESULTS for part in ("after", "at_most")), BELOW)


def typed_of(task: CallingTask) -> dict[str, str]:
    """The rules of a saved task as the texts of the form."""
    texts = dict.fromkeys(FIELDS, "")
    for rule in task.redial:
        texts[f"redial_{rule.result}_after"] = span_text(rule.after_hours)
        texts[f"redial_{rule.result}_at_most"] = str(rule.at_most)
        if rule.below_s is not None:
            texts[BELOW] = str(rule.below_s)
    return texts


def rules_of(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """What was typed, as the documents of rules. Raises `InvalidInput` naming the field."""
    rules = []
    for result in REDIAL_RESULTS:
        after, at_most = (typed.get(f"redial_{result}_{part}", "").strip() for part in ("after", "at_most"))
        below = typed.get(BELOW, "").strip() if result == "short_talk" else ""
        if not after and not at_most and not below:
            continue
        rule: dict[str, Any] = {"result": result, "after_hours": hours_of(after), "at_most": _whole(at_most)}
        rules.append({**rule, "below_s": _whole(below)} if result == "short_talk" else rule)
    return rules


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InvalidInput("a redial rule has a time, a number of redials and, of short talks, seconds", field="redial")
    return int(text)
