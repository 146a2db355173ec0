"""Redial rules as people write them: `not_connected,after=4h,at-most=3`, or a document with the same keys. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_RESULTS, RedialResult, RedialRule
from calling_pipeline.errors import InvalidInput

FIELD = "redial"
MOST = 20
"""Redials of one number that a rule may allow."""
MAX_HOURS = 8760
MAX_TALK_S = 3600
_KEYS = ("result", "after_hours", "at_most", "below_s")
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}
_EXAMPLE = "not_connected,after=4h,at-most=3"


def rules_from(value: Any) -> tuple[RedialRule, ...]:
    """The rules that a list of texts or documents describes, in the order of `REDIAL_RESULTS`.

    Raises `InvalidInput` for what is no rule and for two rules of one result.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInput(f"redial is a list of rules, such as {_EXAMPLE}", field=FIELD)
    rules = [_parsed(item) if isinstance(item, str) else _checked(item) for item in value]
    results = [rule.result for rule in rules]
    twice = sorted({result for result in results if results.count(result) > 1})
    if twice:
        raise InvalidInput(f"there are two redial rules of {twice[0]}; a result has one", field=FIELD)
    return tuple(sorted(rules, key=lambda rule: REDIAL_RESULTS.index(rule.result)))


def documents_of(rules: Sequence[RedialRule]) -> list[dict[str, Any]]:
    """The rules as they are stored: `{result, after_hours, at_most}`, of a short talk `below_s` too."""
    return [{key: value for key in _KEYS if (value := getattr(rule, key)) is not None} for rule in rules]


def text_of(rule: RedialRule) -> str:
    """The rule as a person writes it."""
    below = f"below={rule.below_s}s," if rule.below_s is not None else ""
    return f"{rule.result},{below}after={span_text(rule.after_hours)},at-most={rule.at_most}"


def span_text(hours: float) -> str:
    """Hours as `30m`, `4h` or `2d`."""
    minutes = round(hours * 60)
    unit, length = next((unit, length) for unit, length in (("d", 1440), ("h", 60), ("m", 1)) if minutes % length == 0)
    return f"{minutes // length}{unit}"


def hours_of(text: str) -> float:
    """The hours of a span such as `30m`, `4h` or `2d`. Raises `InvalidInput`."""
    match = re.fullmatch(r"([1-9]\d{0,5})([mhd])", text)
    if match is None:
        raise InvalidInput("the time of a redial rule is a span such as 30m, 4h or 2d", field=FIELD)
    return int(match.group(1)) * _HOURS[match.group(2)]


def _parsed(text: str) -> RedialRule:
    result, *parts = (part.strip() for part in text.split(","))
    document: dict[str, Any] = {"result": result}
    for part in parts:
        key, _, value = part.partition("=")
        match key.strip().replace("_", "-"):
            case "after":
                document["after_hours"] = hours_of(value)
            case "at-most":
                document["at_most"] = _whole(value)
            case "below":
                document["below_s"] = _whole(value.removesuffix("s"))
            case _:
                raise InvalidInput(f"{text[:60]!r} is no redial rule; write it as {_EXAMPLE}", field=FIELD)
    return _checked(document)


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text.strip(), re.ASCII):
        raise InvalidInput(f"a redial rule has whole numbers, as in {_EXAMPLE}", field=FIELD)
    return int(text)


def _checked(document: Any) -> RedialRule:
    if not isinstance(document, Mapping) or not set(document) <= set(_KEYS):
        raise InvalidInput(f"a redial rule has the keys {', '.join(_KEYS)}; or write it as {_EXAMPLE}", field=FIELD)
    result, below_s = document.get("result"), document.get("below_s")
    if result in ("waiting", "unknown", "no_record"):
        raise InvalidInput(
            "a call without a record is never redialled: nobody knows whether the person was reached", field=FIELD
        )
    if result in ("connected", "ordered"):
        raise InvalidInput("a person who was reached is not redialled; short_talk has those redialled who hung up at once",
                           field=FIELD)  # fmt: skip
    if result not in REDIAL_RESULTS:
        raise InvalidInput(f"a redial rule is about one of {', '.join(REDIAL_RESULTS)}", field=FIELD)
    if (result == "short_talk") != (below_s is not None):
        raise InvalidInput("a rule of short_talk needs below, in seconds (short_talk,below=10s,after=1d,at-most=1); others"
                           " have none", field=FIELD)  # fmt: skip
    after = _within(document.get("after_hours"), "after", 1 / 60, MAX_HOURS)
    return RedialRule(
        cast(RedialResult, result),
        int(after) if after == int(after) else after,
        int(_within(document.get("at_most"), "at-most", 1, MOST, whole=True)),
        None if below_s is None else int(_within(below_s, "below", 1, MAX_TALK_S, whole=True)),
    )


def _within(value: Any, name: str, low: float, high: float, *, whole: bool = False) -> float:
    kinds = (int,) if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
        limits = f"from {low:g} to {high:g}" if whole else "from 1m to 365d"
        raise InvalidInput(f"{name} of a redial rule must be {limits}, as in {_EXAMPLE}", field=FIELD)
    return value
