"""The form of a calling task: what was typed into it, as the values the room takes, and what it would read and call."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches.records import Card
from calling_pipeline.call_batches.calling_tasks import cron, editing, source_schema
from calling_pipeline.call_batches.calling_tasks.records import MAPPED, CallingTask, Source
from calling_pipeline.call_batches.calling_tasks.source_schema import Choices
from calling_pipeline.call_batches.records import PlanRules
from calling_pipeline.console.pages.batches import best_time_form, redial_form
from calling_pipeline.contact_policy.presets import DEFAULT, PRESETS
from calling_pipeline.errors import CallingError, InvalidInput
from calling_pipeline.masking import mask_digits

TEXTS = (
    "name", "cron", "source_schema", "source_table", *MAPPED, "remark", "recall_days", "refused_days", "expires_after",
    "rate_per_s", "preset", "hours", "policy", "land_lines", *redial_form.FIELDS,
    *best_time_form.FIELDS,
)  # fmt: skip
"""The fields of the form, all texts; `enabled` is a box, as is `land_lines`, whose text is `true` when it is ticked."""
POLICIES = tuple(PRESETS)


@dataclass(frozen=True)
class Draft:
    """What the form holds, and what is known of it: choices, sample rows, ticks, and why not."""

    typed: Mapping[str, str]
    enabled: bool
    choices: Choices
    sample: Sequence[Mapping[str, str]] = ()
    source_error: str = ""
    ticks: Sequence[dt.datetime] = ()
    cron_error: str = ""
    card: Card | None = field(default=None, repr=False)
    card_error: str = ""

    @property
    def mapped(self) -> Sequence[tuple[str, str]]:
        """(field of a call, column) of those that have one."""
        return [(name, column) for name in MAPPED if (column := self.typed.get(name, ""))]


def typed_of(task: CallingTask) -> dict[str, str]:
    """The form of a saved task."""
    values = editing.values_of(task)
    policy = dict(values.pop("policy"))
    texts = {name: "" if values.get(name) is None else str(values[name]) for name in TEXTS}
    if task.rate_per_s is not None:
        texts["rate_per_s"] = f"{task.rate_per_s:g}"
    texts["land_lines"] = "true" if task.land_lines else ""
    texts.update(redial_form.typed_of(task) | best_time_form.typed_of(task))
    texts["preset"] = policy.pop("preset", DEFAULT.name)
    texts["hours"] = policy.pop("hours") if isinstance(policy.get("hours"), str) else ""
    texts["policy"] = json.dumps(policy, ensure_ascii=False) if policy else ""
    return texts


def values_of(typed: Mapping[str, str], *, enabled: bool) -> dict[str, Any]:
    """What was typed, as the values that a calling task is added and edited with. Raises `InvalidInput` naming the field."""
    return {
        **{name: typed.get(name, "") for name in ("name", "cron", "source_schema", "source_table", "remark")},
        **{name: typed.get(name, "").strip() or None for name in (*MAPPED, "expires_after")},
        "recall_days": _whole(typed, "recall_days"),
        "refused_days": _whole(typed, "refused_days"),
        "rate_per_s": _number(typed, "rate_per_s"),
        "policy": _policy(typed),
        "redial": redial_form.rules_of(typed),
        "best_time": best_time_form.wish_of(typed),
        "land_lines": typed.get("land_lines", "") == "true",
        "enabled": enabled,
    }


def drafted(connection: sa.Connection, typed: Mapping[str, str], rules: PlanRules, *, enabled: bool) -> Draft:
    """What can be said of what was typed so far; a field that is wrong or empty leaves its part empty, with why."""
    schema, table = typed.get("source_schema", ""), typed.get("source_table", "")
    choices = source_schema.choices(connection, schema, table, rules.source_schemas)
    kept = {**typed, **{name: "" for name in MAPPED if typed.get(name, "") not in choices.columns}}
    sample, source_error = _sampled(connection, kept, rules)
    ticks, cron_error = _ticks(typed.get("cron", ""))
    return Draft(kept, enabled, choices, sample, source_error, ticks, cron_error)


def _sampled(
    connection: sa.Connection, typed: Mapping[str, str], rules: PlanRules
) -> tuple[Sequence[Mapping[str, str]], str]:
    if not typed.get("source_table"):
        return (), ""
    columns = {name: typed.get(name) or None for name in MAPPED[1:]}
    source = Source(typed.get("source_schema", ""), typed["source_table"], typed.get("mobile_phone", ""), **columns)
    try:
        with connection.begin_nested():
            return source_schema.sample(connection, source, rules.source_schemas), ""
    except CallingError as error:
        return (), mask_digits(str(error))


def _ticks(text: str) -> tuple[Sequence[dt.datetime], str]:
    if not text.strip():
        return (), ""
    try:
        return cron.next_ticks(cron.check_cron(text), days.now()), ""
    except InvalidInput as error:
        return (), str(error)


def _whole(typed: Mapping[str, str], name: str) -> int | None:
    text = typed.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput(f"{name} must be a number of days", field=name)
    return int(text)


def _number(typed: Mapping[str, str], name: str) -> float | None:
    text = typed.get(name, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise InvalidInput(f"{name} must be a number", field=name) from None


def _policy(typed: Mapping[str, str]) -> dict[str, Any]:
    text = typed.get("policy", "").strip()
    try:
        more = json.loads(text) if text else {}
    except ValueError:
        more = None
    if not isinstance(more, dict):
        raise InvalidInput('the other rules are no JSON object, such as {"rolling": [[2, "24h"]]}', field="policy")
    given = {"preset": typed.get("preset", "").strip(), "hours": typed.get("hours", "").strip()}
    policy = {**more, **{name: value for name, value in given.items() if value}}
    return {} if policy == {"preset": DEFAULT.name} else policy
