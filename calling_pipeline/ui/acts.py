"""What Dagster's changes are called in the audit log, and what is kept of their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from calling_pipeline.masking import mask_digits
from calling_pipeline.ui.operations import Change

ACTS: Mapping[str, str] = {
    "launchRun": "run.launch",
    "launchPipelineExecution": "run.launch",
    "launchMultipleRuns": "run.launch",
    "launchRunReexecution": "run.relaunch",
    "launchPipelineReexecution": "run.relaunch",
    "terminateRun": "run.terminate",
    "terminateRuns": "run.terminate",
    "terminatePipelineExecution": "run.terminate",
    "deleteRun": "run.delete",
    "deletePipelineRun": "run.delete",
    "launchPartitionBackfill": "backfill.launch",
    "reexecutePartitionBackfill": "backfill.relaunch",
    "resumePartitionBackfill": "backfill.resume",
    "cancelPartitionBackfill": "backfill.cancel",
    "startSchedule": "schedule.start",
    "stopRunningSchedule": "schedule.stop",
    "resetSchedule": "schedule.reset",
    "startSensor": "sensor.start",
    "stopSensor": "sensor.stop",
    "resetSensor": "sensor.reset",
    "setSensorCursor": "sensor.move",
    "wipeAssets": "asset.wipe",
    "reportRunlessAssetEvents": "asset.report",
    "reportAssetCheckEvaluations": "asset.report",
}
"""Dagster's field → the act. Another one is kept as `dagster.FIELD`."""
_NAMING = (
    "runId",
    "runIds",
    "parentRunId",
    "backfillId",
    "jobName",
    "pipelineName",
    "scheduleName",
    "sensorName",
    "scheduleId",
    "sensorId",
    "id",
    "path",
    "partitionSetName",
    "name",
)
"""Arguments that name what the act is about, the first that is there."""
_LONGEST = 300
_MOST = 60


def act_of(change: Change) -> str:
    """The act, `noun.verb`."""
    return ACTS.get(change.field, f"dagster.{change.field}")


def subject_of(change: Change) -> str:
    """What it is about, `noun:id`; `noun:several` or `noun:` where the arguments name several or nothing."""
    noun = act_of(change).partition(".")[0]
    for wanted in _NAMING:
        found = [value for name, value in _walk(change.arguments) if name == wanted and value not in (None, "", [])]
        if found:
            text = _text(found[0]) if len(found) == 1 else "several"
            return f"{noun}:{text}"[:_LONGEST]
    return f"{noun}:"


def kept_of(change: Change) -> dict[str, Any]:
    """The arguments as flat, short texts without telephone numbers."""
    flat: dict[str, Any] = {}
    for name, value in _flat("", change.arguments):
        if len(flat) == _MOST:
            flat["…"] = "more"
            break
        flat[name] = _text(value) if isinstance(value, str) else value
    return flat


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name, inner
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for place, inner in enumerate(value):
            yield from _flat(f"{prefix}[{place}]", inner)
    else:
        yield prefix, ", ".join(map(str, value)) if isinstance(value, list) else value


def _text(value: Any) -> str:
    text = "/".join(map(str, value)) if isinstance(value, list) else str(value)
    return mask_digits(text.replace("\x00", ""))[:_LONGEST]
