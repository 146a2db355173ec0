"""Batches: what was planned (the card), what became of the rows, and that both agree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict

from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_SAID, RedialRule
from calling_pipeline.call_batches.records import REASONS, BatchState, CallState


@dataclass(frozen=True)
class CardLine:
    """Source rows left out for one reason, and up to two masked samples."""

    reason: str
    rows: int
    samples: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The reason for people."""
        return REASONS.get(self.reason, self.reason)


@dataclass(frozen=True)
class RedialLine:
    """Rows that are to be called again, by the result of the rule that allows it."""

    result: str
    rows: int

    @property
    def said(self) -> str:
        """The result for people."""
        return REDIAL_SAID.get(self.result, self.result)


@dataclass(frozen=True)
class Card:
    """The pre-flight card: source rows = to call + the rows of every line. `redials` are some of those to call."""

    source_rows: int
    to_call: int
    left_out: tuple[CardLine, ...] = ()
    redials: tuple[RedialLine, ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether every source row is accounted for."""
        return self.source_rows == self.to_call + sum(line.rows for line in self.left_out)


@dataclass(frozen=True)
class Batch:
    """One row of `call_batches`."""

    id: int
    key: str
    calling_task_id: int
    task_name: str
    day: dt.date
    tick_at: dt.datetime | None
    state: BatchState
    note: str
    source: str
    recall_days: int | None
    rate_per_s: float | None
    policy: Mapping[str, Any]
    card: Card
    planned_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    resume_at: dt.datetime | None
    expires_at: dt.datetime | None = None
    redial: tuple[RedialRule, ...] = ()
    shadow: bool = False

    def is_expired(self, now: dt.datetime) -> bool:
        """Whether nobody of it is to be called any more."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True)
class OpenBatch:
    """A batch that is not over, or whose calls wait to be settled, and its calls that are open."""

    id: int
    task_name: str
    day: dt.date
    state: BatchState
    note: str
    pending: int
    pushing: int
    unknown: int


@dataclass(frozen=True)
class Outcome:
    """What became of a batch's rows so far: rows in each state, and rows skipped or failed by reason."""

    states: Mapping[CallState, int]
    reasons: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Every row of the batch."""
        return sum(self.states.values())

    def count(self, *states: CallState) -> int:
        """Rows in any of `states`."""
        return sum(self.states.get(state, 0) for state in states)


class Reconciliation(TypedDict):
    """The card once more, after the run: source rows = the calls in each state + the rows left out for each reason.

    `difference`: source rows that are not accounted for. `reasons_missing`: rows that the card left out for a reason and
    the batch does not. Both are 0.
    """

    source_rows: int
    planned_to_call: int
    calls: dict[CallState, int]
    left_out: dict[str, int]
    difference: int
    reasons_missing: int


def reconciliation(batch: Batch, outcome: Outcome) -> Reconciliation:
    """Compare what a batch planned with what became of its rows."""
    left_out = {reason: outcome.reasons[reason] for reason in REASONS if reason in outcome.reasons}
    states: dict[CallState, int] = {name: count for name, count in outcome.states.items() if name != "skipped"}
    planned_out = {line.reason: line.rows for line in batch.card.left_out}
    return {
        "source_rows": batch.card.source_rows,
        "planned_to_call": batch.card.to_call,
        "calls": states,
        "left_out": left_out,
        "difference": batch.card.source_rows - outcome.rows,
        "reasons_missing": sum(max(0, rows - left_out.get(reason, 0)) for reason, rows in planned_out.items()),
    }
