"""What Dagster's failures say as alerts: titles and texts fit for people, without personal data."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRun, EventLogRecord
from dagster._core.scheduler.instigation import InstigatorState, TickStatus
from dagster_shared.error import SerializableErrorInfo

from calling_pipeline.alerts.records import Alert, Condition, Severity
from calling_pipeline.defs.windows import PARTITION, RANGE_END, RANGE_START
from calling_pipeline.masking import mask_digits

LONGEST_TEXT = 800


def run_alert(run: DagsterRun, message: str, errors: Sequence[SerializableErrorInfo]) -> Alert:
    """A failed run: which job and days, the innermost reason, and where to look."""
    causes = [_innermost(error) for error in errors]
    timed_out = any(cause.cls_name == "VendorTimeout" for cause in causes)
    reason = "; ".join(dict.fromkeys(_reason(cause) for cause in causes)) or _first_line(message)
    title = f"{'Vendor timed out' if timed_out else 'Run failed'}: {run.job_name}"
    text = f"{scope_of(run)}\n{reason}\nrun {run.run_id}"
    return Alert(f"run:{run.run_id}", "error", title, _fit(text), "dagster")


def check_condition(instance: DagsterInstance, record: EventLogRecord) -> Condition:
    """One check evaluation, named by asset, check and the days it judged."""
    event = record.event_log_entry.dagster_event
    assert event is not None
    evaluation = event.asset_check_evaluation_data
    run = instance.get_run_by_id(record.event_log_entry.run_id)
    scope = evaluation.partition or (scope_of(run) if run else "")
    asset = evaluation.asset_key.to_user_string()
    severity: Severity = "error" if evaluation.severity == dg.AssetCheckSeverity.ERROR else "warning"
    sentence = evaluation.check_name.replace("_", " ")
    figures = [
        f"{name}: {value.value}"
        for name, value in evaluation.metadata.items()
        if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue | dg.TextMetadataValue | dg.BoolMetadataValue)
    ]
    text = "\n".join(filter(None, [scope, evaluation.description, *figures, f"run {record.event_log_entry.run_id}"]))
    return Condition(
        name=f"check:{asset}:{evaluation.check_name}:{scope}",
        failing=not evaluation.passed,
        severity=severity,
        title=f"{asset}: {sentence}",
        text=_fit(text),
        room="dagster",
        event=record.storage_id,
    )


def tick_condition(instance: DagsterInstance, state: InstigatorState) -> Condition | None:
    """The newest finished tick of a schedule or sensor; None when it is off or never ticked."""
    if not state.is_running:
        return None
    finished = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=finished)
    if not ticks:
        return None
    failing = ticks[0].status == TickStatus.FAILURE
    error = ticks[0].error
    return Condition(
        name=f"tick:{state.instigator_name}",
        failing=failing,
        severity="error",
        title=f"{state.instigator_type.value.lower()} {state.instigator_name}",
        text=_fit(_reason(_innermost(error))) if error else "its newest tick went well",
        room="dagster",
        event=int(ticks[0].tick_id),
    )


def scope_of(run: DagsterRun) -> str:
    """The day or days a run is about, as its tags say; empty when it is about none."""
    if RANGE_START in run.tags:
        return f"{run.tags[RANGE_START]} to {run.tags[RANGE_END]}"
    return run.tags.get(PARTITION, "")


def _innermost(error: SerializableErrorInfo) -> SerializableErrorInfo:
    while error.cause is not None:
        error = error.cause
    return error


def _reason(error: SerializableErrorInfo) -> str:
    """Its message without the class in front of it."""
    line = _first_line(error.message)
    return line.split(": ", maxsplit=1)[1] if error.cls_name and line.split(": ")[0].endswith(error.cls_name) else line


def _first_line(message: str) -> str:
    return next((line.strip() for line in message.splitlines() if line.strip()), "no reason was given")


def _fit(text: str) -> str:
    masked = mask_digits(text)
    return masked if len(masked) <= LONGEST_TEXT else masked[: LONGEST_TEXT - 1] + "…"
