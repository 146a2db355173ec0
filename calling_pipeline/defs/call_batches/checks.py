"""The asset checks of the call batches."""

from collections.abc import Callable
from typing import TypeVar

import dagster as dg

from calling_pipeline.call_batches import quality
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.defs.checks import Check, daily_checks, standing_checks
from calling_pipeline.quality import Finding
from calling_pipeline.runtime import Runtime

F = TypeVar("F")


def _check(judge: Callable[[F], Finding], *, warns: bool = False) -> Check[F]:
    return Check(judge.__name__, judge, (judge.__doc__ or "").strip(), warns=warns)


_DAILY = (
    _check(quality.phones_are_unique_in_batch),
    _check(quality.cards_reconcile),
    _check(quality.pushed_calls_have_log_and_history),
    _check(quality.nobody_is_called_twice),
)
_OPEN = (_check(quality.nothing_is_stuck_in_pushing), _check(quality.no_call_is_unknown, warns=True))
_SPELLING = (_check(quality.phones_are_unique_in_call_history),)
_COUNTS = (_check(quality.history_agrees_with_log),)


def checks(daily: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of `call_batches` and `call_history`; what has no day is judged once per run."""
    return [
        daily_checks("call_batches", _DAILY, fact_store.day_facts, daily),
        standing_checks("call_batches", _OPEN, _open_facts, group="open_calls"),
        daily_checks("call_history", _COUNTS, fact_store.miscounted_history, daily),
        standing_checks("call_history", _SPELLING, _repeated_in_history, group="spelling"),
    ]


def _open_facts(runtime: Runtime) -> quality.OpenFacts:
    with runtime.transaction() as connection:
        return fact_store.open_facts(connection)


def _repeated_in_history(runtime: Runtime) -> tuple[quality.Breach, ...]:
    with runtime.transaction() as connection:
        return fact_store.repeated_in_history(connection)
