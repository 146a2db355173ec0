"""The asset checks of the call batches, each day judged for itself."""

from collections.abc import Callable
from typing import TypeVar

import dagster as dg

from calling_pipeline.call_batches import quality
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.defs.checks import Check, daily_checks
from calling_pipeline.quality import Finding

F = TypeVar("F")


def check(judge: Callable[[F], Finding], *, warns: bool = False, blocking: bool = False) -> Check[F]:
    """The check that is named by a function of `quality.py` and described by its docstring."""
    return Check(judge.__name__, judge, (judge.__doc__ or "").strip(), warns=warns, blocking=blocking)


BATCH_CHECKS = (
    check(quality.phones_are_unique_in_batch, blocking=True),
    check(quality.cards_reconcile),
    check(quality.pushed_calls_have_log_and_history),
    check(quality.nobody_is_called_twice, blocking=True),
    check(quality.nothing_is_stuck_in_pushing),
    check(quality.no_call_is_unknown, warns=True),
)
HISTORY_CHECKS = (check(quality.phones_are_unique_in_call_history), check(quality.history_agrees_with_log))


def checks(daily: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of `call_batches` and `call_history`."""
    return [
        daily_checks("call_batches", BATCH_CHECKS, fact_store.day_facts, daily),
        daily_checks("call_history", HISTORY_CHECKS, fact_store.history_facts, daily),
    ]
