"""Batches as cards: the document that every door answers with, and how far and how fast a running one is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches import views as batch_views
from calling_pipeline.call_batches.batches.records import Batch, Outcome
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.results.records import BatchResults
from calling_pipeline.call_batches.records import CallState
from calling_pipeline.console.views import View

MEASURED_S = 60
"""A rate is of the last minute."""
_KEPT_S = 3600.0
_COUNTED_S = 1.0
"""So often the rows of a batch that runs are counted, whoever looks."""
_COUNTED = ("pushed", "pending", "pushing", "refused", "failed", "unknown")
TONES: Mapping[str, str] = {
    "planned": "quiet", "running": "busy", "waiting": "warn", "paused": "warn", "cancelled": "quiet", "completed": "good",
}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """A batch as a page shows it. `document` is the one of the command line and the API."""

    document: Mapping[str, Any]
    counts: Mapping[str, int]
    not_called: int
    done: int
    rate_per_s: float | None = None
    ends_at: dt.datetime | None = None

    @property
    def id(self) -> int:
        """The batch's number."""
        return int(self.document["batch_id"])

    @property
    def state(self) -> str:
        """The batch's state."""
        return str(self.document["state"])

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return TONES[self.state]

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is called any more."""
        return self.state in ("completed", "cancelled")

    @property
    def unknown(self) -> int:
        """Calls that a person has to settle."""
        return self.counts["unknown"]

    @property
    def difference(self) -> int:
        """Source rows that are not accounted for, or left out by the card and not by the batch: 0."""
        reconciled = self.document["reconciliation"]
        return abs(int(reconciled["difference"])) + int(reconciled["reasons_missing"])

    @property
    def lines(self) -> Sequence[tuple[str, str, int, Sequence[str]]]:
        """(reason, in words, rows, masked samples) of what is not called, with what was left out after planning."""
        planned = {line["reason"]: line for line in self.document["card"]["left_out"]}
        left_out = self.document["reconciliation"]["left_out"]
        return [
            (reason, batch_views.said(reason), rows, planned.get(reason, {}).get("samples", ()))
            for reason, rows in left_out.items()
        ]


def cards(view: View, connection: sa.Connection, batches: Sequence[Batch]) -> list[Card]:
    """The cards of these batches. What a batch that is over has come to is read once."""
    ids = [batch.id for batch in batches]
    flying, results = batch_store.in_flight(connection, ids), result_store.of_batches(connection, ids)
    return [
        card(connection, batch, _outcome(view, connection, batch, flying[batch.id]), results.get(batch.id))
        for batch in batches
    ]


def card(connection: sa.Connection, batch: Batch, outcome: Outcome, results: BatchResults | None) -> Card:
    """One card; a running batch's rate is that of the last minute, its end what follows from it."""
    document = batch_views.document_of(batch, outcome, results=results)
    counts = {state: outcome.states.get(state, 0) for state in _COUNTED}  # type: ignore[call-overload]
    open_calls = counts["pending"] + counts["pushing"]
    called = sum(counts.values()) - open_calls
    rate, ends_at = _speed(connection, batch, open_calls)
    return Card(document, counts, sum(document["reconciliation"]["left_out"].values()), called, rate, ends_at)


def _speed(connection: sa.Connection, batch: Batch, open_calls: int) -> tuple[float | None, dt.datetime | None]:
    if batch.state != "running" or batch.started_at is None:
        return None, None
    now = days.now()
    measured_s = min(MEASURED_S, max(1.0, (now - batch.started_at).total_seconds()))
    answers = batch_store.answers_since(connection, batch.id, now - dt.timedelta(seconds=measured_s))
    rate = answers / measured_s
    return rate, now + dt.timedelta(seconds=open_calls / rate) if rate else None


def _outcome(view: View, connection: sa.Connection, batch: Batch, flying: Mapping[CallState, int]) -> Outcome:
    """Counts over the rows of a batch. Those of one that is over change only with its calls in flight or a new end."""
    key = ("outcome", batch.id, batch.state, batch.started_at, batch.finished_at, tuple(sorted(flying.items())))
    seconds = _KEPT_S if batch.state in ("completed", "cancelled") else _COUNTED_S
    return view.shared(key, seconds, lambda: batch_store.outcome(connection, batch.id))
