"""What Dagster's failures say as alerts: titles and texts fit for people, without personal data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import dagster as dg
from dagster import DagsterRun, EventLogEntry
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, TickStatus
from dagster_shared.error import SerializableErrorInfo

from calling_pipeline import days
from calling_pipeline.alerts.records import Condition, Severity
from calling_pipeline.defs.naming import plain, plain_name
from calling_pipeline.defs.windows import days_of_run
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits

LONGEST_TEXT = 800
ROOM = "dagster"
ASSET_JOB = "__ASSET_JOB"
"""What Dagster calls the job of *Materialize* and of backfills."""
BAD_DAYS = "bad_days"
"""Metadata of a result that judges all days of a run at once: the days that failed."""
_ASSETS_SHOWN = 4


def run_title(run: DagsterRun, assets: Sequence[str]) -> str:
    """What ran, in words: the job, or the assets where Dagster has a name of its own for the job."""
    if not run.job_name.startswith(ASSET_JOB) or not assets:
        return f"run of {plain_name(run.job_name)}"
    more = f" and {len(assets) - _ASSETS_SHOWN} more assets" if len(assets) > _ASSETS_SHOWN else ""
    return f"run of {', '.join(sorted(assets)[:_ASSETS_SHOWN])}{more}"


def run_reason(message: str, errors: Sequence[SerializableErrorInfo]) -> str:
    """Why a run failed: the innermost reasons of its steps, else what Dagster says."""
    causes = [_innermost(error) for error in errors]
    timed_out = any(cause.cls_name == "VendorTimeout" for cause in causes)
    reason = "; ".join(dict.fromkeys(_reason(cause) for cause in causes)) or _first_line(message)
    return f"{'Vendor timed out. ' if timed_out else ''}{reason}"


def run_condition(
    run: DagsterRun,
    subject: str,
    day: dt.date | None,
    event: int,
    *,
    title: str,
    reason: str,
    severity: Severity = "error",
) -> Condition:
    """A run left `subject` (an asset, or the job where there is none) undone for `day`."""
    return Condition(
        name=run_name(subject, day),
        failing=True,
        severity=severity,
        title=title,
        text=fit(f"{reason}\nrun {run.run_id}"),
        room=ROOM,
        event=event,
        subject=subject,
        day=day,
        link=f"/runs/{run.run_id}",
    )


def run_name(subject: str, day: dt.date | None) -> str:
    """The name of the condition that a run leaves `subject` undone for `day`.

    One for each day of the run's window, of whatever job: so windows that overlap announce a day once, and the run, range
    or door that does the day closes it. A window as a whole would be closed only by another run over the same days.
    """
    return f"run:{subject}:{day}" if day else f"run:{subject}"


def check_conditions(event: int, entry: EventLogEntry, run: DagsterRun | None) -> list[Condition]:
    """What one check evaluation says: about its day, about each day of its run, or about a thing that has no day.

    `run` is needed only for an evaluation that judges all days of a run at once (`judges_a_range`).
    """
    evaluation = _evaluation(entry)
    text = _check_text(entry, evaluation)
    if evaluation.partition:
        day = day_or_none(evaluation.partition)
        return [_check_condition(event, evaluation, evaluation.partition, day, failing=not evaluation.passed, text=text)]
    if not judges_a_range(entry) or run is None:
        return [_check_condition(event, evaluation, "", None, failing=not evaluation.passed, text=text)]
    bad = str(evaluation.metadata[BAD_DAYS].value)
    return [
        _check_condition(event, evaluation, str(day), day, failing=str(day) in bad, text=text)
        for day in days_of_run(run.tags)
    ]


def judged_asset(entry: EventLogEntry) -> dg.AssetKey:
    """The asset that a check evaluation is about."""
    return _evaluation(entry).asset_key


def judges_a_range(entry: EventLogEntry) -> bool:
    """Whether the evaluation is one result for all days of its run."""
    evaluation = _evaluation(entry)
    return evaluation.partition is None and BAD_DAYS in evaluation.metadata


def tick_condition(state: InstigatorState, tick: InstigatorTick) -> Condition:
    """The newest finished tick of a schedule or sensor."""
    failing = tick.status == TickStatus.FAILURE
    error = tick.error
    kind, name = state.instigator_type.value.lower(), plain_name(state.instigator_name)
    return Condition(
        name=f"tick:{name}",
        failing=failing,
        severity="error",
        title=f"{kind} {name}",
        text=fit(_reason(_innermost(error))) if error else "its newest tick went well",
        room=ROOM,
        event=int(tick.tick_id),
        subject=name,
    )


def day_or_none(key: str | None) -> dt.date | None:
    """A partition key as a day; None for keys that are none."""
    try:
        return days.parse_day(key or "")
    except InvalidInput:
        return None


def fit(text: str) -> str:
    """Masked, and not longer than a message may be."""
    return _shortened(mask_digits(text))


def _evaluation(entry: EventLogEntry) -> dg.AssetCheckEvaluation:
    assert entry.dagster_event is not None
    return entry.dagster_event.asset_check_evaluation_data


def _check_condition(
    event: int, evaluation: dg.AssetCheckEvaluation, scope: str, day: dt.date | None, *, failing: bool, text: str
) -> Condition:
    asset = plain(evaluation.asset_key)
    severity: Severity = "error" if evaluation.severity == dg.AssetCheckSeverity.ERROR else "warning"
    return Condition(
        name=":".join(filter(None, ["check", asset, evaluation.check_name, scope])),
        failing=failing,
        severity=severity,
        title=f"{asset}: {evaluation.check_name.replace('_', ' ')}",
        text=text,
        room=ROOM,
        event=event,
        subject=asset,
        day=day,
        link=f"/assets/{'/'.join(evaluation.asset_key.path)}?view=checks&checkDetail={evaluation.check_name}",
    )


def _check_text(entry: EventLogEntry, evaluation: dg.AssetCheckEvaluation) -> str:
    """The day and its sentence, the numbers, and the run."""
    sentence = mask_digits(evaluation.description or "")
    day = evaluation.partition or ""
    first = sentence if day in sentence else f"{day}: {sentence}"
    run = f"run {entry.run_id}" if entry.run_id else "judged after work outside a run"
    return _shortened("\n".join(filter(None, [first, *_figures(evaluation.metadata), run])))


def _figures(metadata: Mapping[str, dg.MetadataValue]) -> list[str]:
    """Numbers stay whole; only texts can hold a telephone number."""
    figures = []
    for name, value in metadata.items():
        if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue | dg.BoolMetadataValue):
            figures.append(f"{name}: {value.value}")
        elif isinstance(value, dg.TextMetadataValue):
            figures.append(f"{name}: {mask_digits(value.value or '')}")
    return figures


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


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
