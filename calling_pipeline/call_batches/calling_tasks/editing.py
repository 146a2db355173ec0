"""Adding and editing calling tasks. A task is checked against the catalogue and the rules before it is saved."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, NotRequired, cast

import sqlalchemy as sa
from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.call_batches.calling_tasks import cron, source_schema
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.best_time import alerting as best_time_alerting
from calling_pipeline.call_batches.calling_tasks.best_time import store as best_time_store
from calling_pipeline.call_batches.calling_tasks.best_time.records import Goal, best_time_from
from calling_pipeline.call_batches.calling_tasks.records import MAPPED, CallingTask, Source
from calling_pipeline.call_batches.calling_tasks.redials.records import RedialResult
from calling_pipeline.call_batches.calling_tasks.redials.rules import documents_of, rules_from
from calling_pipeline.call_batches.records import DEFAULT_RULES, SOURCE_TABLES, PlanRules
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.errors import InvalidInput

FIELDS = (
    "name", "cron", "source_schema", "source_table", "mobile_phone", "staff_name", "sys_name", "order_type", "order_nums",
    "row_key", "enabled", "remark", "recall_days", "refused_days", "expires_after", "rate_per_s", "policy", "redial",
    "land_lines", "best_time",
)  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "staff_name": None, "sys_name": None, "order_type": None, "order_nums": None, "row_key": None, "enabled": True,
    "remark": "", "recall_days": None, "refused_days": None, "expires_after": None, "rate_per_s": None, "policy": {},
    "redial": (), "land_lines": False, "best_time": None,
}  # fmt: skip
MAX_NAME = 60
MAX_RATE = 10_000
MAX_RECALL_DAYS = 36_500
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def add(
    connection: sa.Connection, values: Mapping[str, Any], rules: PlanRules = DEFAULT_RULES, *, by: str = ""
) -> CallingTask:
    """Save a new calling task; raises `InvalidInput` naming the field, `UnknownIdentifier`, `Forbidden`, `Conflict`."""
    checked = _checked({**_DEFAULTS, **values})
    source_schema.check_source(connection, _source(checked), rules.source_schemas)
    task_store.insert(connection, checked, days.now())
    made = task_store.by_name(connection, checked["name"])
    _begin_best_time(connection, made)
    note(connection, SOURCE_TABLES, None, by=by)
    note_act(connection, "task.add", _subject(made.name), by=by, after=values_of(made))
    return made


def draft(values: Mapping[str, Any], task_id: int = 0) -> CallingTask:
    """A calling task of these values that is saved nowhere, to preview it; raises `InvalidInput` naming the field.

    `task_id`: the saved task that is being edited, whose calls the redial rules are about.
    """
    checked = _checked({**_DEFAULTS, **values})
    return CallingTask(
        task_id, checked["name"], checked["cron"], _source(checked), checked["enabled"], checked["remark"],
        checked["recall_days"], checked["rate_per_s"], checked["policy"], days.now(), checked["refused_days"],
        checked["expires_after_s"], checked["redial"], checked["land_lines"],
        checked["best_time"],
    )  # fmt: skip


def edit(
    connection: sa.Connection, name: str, changes: Mapping[str, Any], rules: PlanRules = DEFAULT_RULES, *, by: str = ""
) -> CallingTask:
    """Change some values of a calling task. It fires nothing: a changed cron counts from now."""
    task = task_store.by_name(connection, name, lock=True)
    checked = _checked({**values_of(task), **changes})
    if checked["enabled"] or _source(checked) != task.source:  # a task whose source is gone can be switched off
        source_schema.check_source(connection, _source(checked), rules.source_schemas)
    task_store.update(connection, task.id, checked, days.now())
    after = task_store.by_name(connection, checked["name"])
    _begin_best_time(connection, after, before=task)
    if changes.keys() - {"enabled"}:  # to pause a task decides nothing about its best time
        best_time_alerting.decided(connection, after)
    _note_change(connection, values_of(task), values_of(after), by=by)
    return after


def remove(connection: sa.Connection, name: str, *, by: str = "") -> None:
    """Delete a calling task that never had a batch."""
    task = task_store.by_name(connection, name, lock=True)
    task_store.delete(connection, task.id)
    best_time_alerting.deleted(connection, task)
    note(connection, SOURCE_TABLES, None, by=by)
    note_act(connection, "task.remove", _subject(name), by=by, before=values_of(task))


def _begin_best_time(connection: sa.Connection, task: CallingTask, *, before: CallingTask | None = None) -> None:
    """Where the best time was switched on, or has another goal, what it proved before counts no more."""
    old = before.best_time if before else None
    if task.best_time is not None and (old is None or old.goal != task.best_time.goal):
        best_time_store.begin(connection, task.id, days.today())


def _note_change(connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any], *, by: str) -> None:
    changed = [field for field in FIELDS if before[field] != after[field]]
    if not changed:
        return
    acts = {True: "task.enable", False: "task.disable"}
    act = acts[after["enabled"]] if changed == ["enabled"] else "task.edit"
    parts = [{field: values[field] for field in changed} for values in (before, after)]
    note(connection, SOURCE_TABLES, None, by=by)
    note_act(connection, act, _subject(before["name"]), by=by, before=parts[0], after=parts[1])


def _subject(name: str) -> str:
    return f"calling_task:{name}"


def values_of(task: CallingTask) -> dict[str, Any]:
    """The task as the flat values it is added and edited with."""
    source = task.source
    return {
        "name": task.name, "cron": task.cron, "source_schema": source.schema, "source_table": source.table,
        "mobile_phone": source.mobile_phone, "staff_name": source.staff_name, "sys_name": source.sys_name,
        "order_type": source.order_type, "order_nums": source.order_nums, "row_key": source.row_key,
        "enabled": task.enabled, "remark": task.remark,
        "recall_days": task.recall_days, "refused_days": task.refused_days,
        "expires_after": _span_text(task.expires_after_s), "rate_per_s": task.rate_per_s, "policy": dict(task.policy),
        "redial": documents_of(task.redial), "land_lines": task.land_lines,
        "best_time": None if task.best_time is None else task.best_time.document,
    }  # fmt: skip


class RedialDocument(TypedDict):
    """A redial rule; `below_s` of a short talk alone."""

    result: RedialResult
    after_hours: float
    at_most: int
    below_s: NotRequired[int]


class BestTimeDocument(TypedDict):
    """How calls are ordered by hour: towards which goal, and the share of numbers that explores."""

    goal: Goal
    explore: float


class TaskDocument(TypedDict):
    """A calling task: its values as it is added and edited with them, and its next ticks (none while it is disabled)."""

    name: str
    cron: str
    source_schema: str
    source_table: str
    mobile_phone: str
    staff_name: str | None
    sys_name: str | None
    order_type: str | None
    order_nums: str | None
    row_key: str | None
    enabled: bool
    remark: str
    recall_days: int | None
    refused_days: int | None
    expires_after: str | None
    rate_per_s: float | None
    policy: dict[str, Any]
    redial: list[RedialDocument]
    land_lines: bool
    best_time: BestTimeDocument | None
    next_ticks: list[dt.datetime]


def document(task: CallingTask) -> TaskDocument:
    """The task for people: its values and its next five ticks."""
    ticks = cron.next_ticks(task.cron, days.now()) if task.enabled else []
    return cast(TaskDocument, {**values_of(task), "next_ticks": ticks})


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise InvalidInput(f"a calling task has no field {unknown[0]!r}; known: {', '.join(FIELDS)}", field=unknown[0])
    missing = [name for name in FIELDS if name not in values]
    if missing:
        raise InvalidInput(f"a calling task needs {missing[0]}", field=missing[0])
    checked = dict(values)
    checked["name"] = _name(values["name"])
    checked["cron"] = cron.check_cron(str(values["cron"]))
    checked["remark"] = _remark(values["remark"])
    checked["recall_days"] = _days(values["recall_days"], "recall_days", "or nothing for never again")
    checked["refused_days"] = _days(values["refused_days"], "refused_days", "or nothing for the setting's")
    checked["expires_after_s"] = _span_s(values["expires_after"])
    checked["rate_per_s"] = _rate(values["rate_per_s"])
    checked["redial"] = rules_from(values["redial"])
    checked["land_lines"] = _land_lines(values["land_lines"], policy_from(values["policy"]))
    checked["best_time"] = best_time_from(values["best_time"])
    for field in ("source_schema", "source_table", *MAPPED):
        checked[field] = _identifier(values[field], field)
    return checked


def _source(values: Mapping[str, Any]) -> Source:
    return Source(
        values["source_schema"] or "", values["source_table"] or "", values["mobile_phone"] or "", values["staff_name"],
        values["sys_name"], values["order_type"], values["order_nums"], values["row_key"],
    )  # fmt: skip


def _identifier(value: Any, field: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or "\x00" in value:
        raise InvalidInput(f"{field} is not a name", field=field)
    return value


def _name(value: Any) -> str:
    name = str(value).strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"name must be 1 to {MAX_NAME} printable characters", field="name")
    return name


def _remark(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise InvalidInput("remark is not a text", field="remark")
    return value


def _days(value: Any, field: str, otherwise: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_RECALL_DAYS:
        raise InvalidInput(f"{field} must be a number of days, {otherwise}", field=field)
    return value


def _land_lines(value: Any, policy: Policy) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("land_lines is true or false", field="land_lines")
    if value and policy.number_kinds is not None and "land_line" not in policy.number_kinds:
        raise InvalidInput("the task's policy allows no land lines: add land_line to its number_kinds", field="land_lines")
    return value


def _span_s(value: Any) -> int | None:
    """A span of time such as `90m`, `8h` or `3d` in seconds."""
    if value is None or value == "":
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})([mhd])", value) if isinstance(value, str) else None
    seconds = int(match.group(1)) * _UNITS[match.group(2)] if match else 0
    if not 0 < seconds <= MAX_RECALL_DAYS * _UNITS["d"] // 100:
        raise InvalidInput("expires_after must be a span of time of at most a year, such as 90m, 8h or 3d",
                           field="expires_after")  # fmt: skip
    return seconds


def _span_text(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    unit = next(name for name in ("d", "h", "m") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _rate(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= MAX_RATE:
        raise InvalidInput(f"rate_per_s must be above 0 and at most {MAX_RATE}", field="rate_per_s")
    return float(value)
