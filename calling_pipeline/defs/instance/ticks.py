"""Every tick of a schedule or a sensor is the beginning of a trace, and the runs that it asks for go on with it.

Dagster evaluates ticks in the code server: each definition's `evaluate_tick` is wrapped there, so that no schedule or sensor
has to think of it. The tag of a request reaches the process of the run by the run itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import dagster as dg
from dagster._core.definitions.schedule_definition import ScheduleExecutionData
from dagster_shared import record

from calling_pipeline import tracing
from calling_pipeline.defs.naming import plain_name


def trace_ticks() -> None:
    """From now on; to ask for it again changes nothing."""
    kinds: tuple[Any, ...] = (dg.ScheduleDefinition, dg.SensorDefinition)
    for kind in kinds:
        if not hasattr(kind.evaluate_tick, "__wrapped__"):
            kind.evaluate_tick = _traced(kind.evaluate_tick)


def _traced(evaluate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    @wraps(evaluate)
    def evaluated(definition: Any, context: Any) -> Any:
        with tracing.span("tick", of=plain_name(definition.name)) as span:
            data = evaluate(definition, context)
            tags = tracing.tags()
            if not tags or not data.run_requests:
                return data
            span.note(runs=len(data.run_requests))
            return _with_requests(data, [_tagged(request, tags) for request in data.run_requests])

    return evaluated


def _tagged(request: dg.RunRequest, tags: dict[str, str]) -> dg.RunRequest:
    return request.with_replaced_attrs(tags={**request.tags, **tags})


def _with_requests(data: Any, requests: list[dg.RunRequest]) -> Any:
    if isinstance(data, ScheduleExecutionData):
        return data._replace(run_requests=requests)
    return record.copy(data, run_requests=requests)
