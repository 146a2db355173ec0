"""The promises of the call batches, judged: facts in, findings out. `facts/store.py` gathers the facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calling_pipeline.call_batches.batches.records import Batch, Outcome, reconciliation
from calling_pipeline.quality import Finding

STUCK_AFTER = dt.timedelta(minutes=10)
"""Far longer than any request to the gateway lasts."""


@dataclass(frozen=True)
class Breach:
    """One row that breaks a promise: its batch, the call when there is one, and which of several promises."""

    batch: int
    call: int | None = None
    kind: str = ""

    def __str__(self) -> str:
        call = "" if self.call is None else f"call {self.call}, "
        return f"{self.kind + ': ' if self.kind else ''}{call}batch {self.batch}"


@dataclass(frozen=True)
class BatchFacts:
    """One batch, what became of its rows, and its calls beyond one of its rolling caps."""

    batch: Batch
    outcome: Outcome
    over_caps: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class PushingCall:
    """One call that a process holds, and since when."""

    call: int
    batch: int
    claimed_at: dt.datetime


@dataclass(frozen=True)
class DayFacts:
    """The batches of one day, and the rows of them that break a promise (some of each kind).

    `pushing`: the calls that are being pushed for the longest at `read_at`; `unknown`: batch → its unknown calls.
    """

    day: dt.date
    read_at: dt.datetime
    batches: tuple[BatchFacts, ...] = ()
    repeated: tuple[Breach, ...] = ()
    disagreements: tuple[Breach, ...] = ()
    called_again: tuple[Breach, ...] = ()
    pushing: tuple[PushingCall, ...] = ()
    unknown: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StartFacts:
    """What decides whether a batch may start: numbers twice in it, calls that came too often and wait for a decision."""

    batch: int
    repeated: tuple[Breach, ...] = ()
    too_often: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class HistoryFacts:
    """Numbers last called by the batches of one day (some of each kind): counted otherwise than in the log, repeated."""

    miscounted: tuple[Breach, ...] = ()
    repeated: tuple[Breach, ...] = ()


def phones_are_unique_in_batch(facts: DayFacts) -> Finding:
    """No number is to be called twice in one batch."""
    return _none_of(
        facts.repeated, good="every number is in its batch once", bad="a number is to be called twice in one batch"
    )


def cards_reconcile(facts: DayFacts) -> Finding:
    """Source rows = the calls in each state + the rows left out for each reason, in every batch."""
    wrong = []
    for one in facts.batches:
        balance = reconciliation(one.batch, one.outcome)
        if balance["difference"] or balance["reasons_missing"] or not one.batch.card.adds_up:
            wrong.append(f"batch {one.batch.id}, {balance['difference']} rows unaccounted for")
    return _none_of(
        wrong,
        good="every source row is accounted for",
        bad="source rows are unaccounted for",
        batches=len(facts.batches),
        source_rows=sum(one.batch.card.source_rows for one in facts.batches),
    )


def pushed_calls_have_log_and_history(facts: DayFacts) -> Finding:
    """Every pushed call has its log and its history, and the other way round."""
    return _none_of(facts.disagreements, good="calls, log and history agree", bad="calls, log and history disagree")


def nobody_is_called_twice(facts: DayFacts) -> Finding:
    """No number was called again inside the recall window or beyond a cap."""
    breaches = [*facts.called_again, *(breach for one in facts.batches for breach in one.over_caps)]
    return _none_of(breaches, good="nobody was called too often", bad="somebody was called too often")


def may_start(facts: StartFacts) -> Finding:
    """A batch may start: no number is in it twice, and nobody was called too often without a person having looked."""
    if facts.repeated:
        sentence = (
            f"batch {facts.batch} does not start: a number is in it twice ({_named(facts.repeated)}); cancel it with"
            f" `calling-pipeline calls cancel {facts.batch}` and plan its task anew"
        )
        return Finding(False, sentence)
    if facts.too_often:
        sentence = (
            f"batch {facts.batch} does not start: somebody was called too often ({_named(facts.too_often)}); find out why,"
            f" then `calling-pipeline calls accept {' '.join(sorted({str(one.call) for one in facts.too_often})[:3])}"
            f" --reason ...` and `calling-pipeline calls resume {facts.batch}`"
        )
        return Finding(False, sentence)
    return Finding(True, "it may start")


def _named(breaches: Sequence[Breach]) -> str:
    more = f" and {len(breaches) - 3} more" if len(breaches) > 3 else ""
    return "; ".join(map(str, breaches[:3])) + more


def nothing_is_stuck_in_pushing(facts: DayFacts) -> Finding:
    """No call is being pushed for longer than any request lasts."""
    stuck = [call for call in facts.pushing if call.claimed_at < facts.read_at - STUCK_AFTER]
    examples = [f"call {call.call}, batch {call.batch}, claimed {call.claimed_at:%Y-%m-%d %H:%M:%S%z}" for call in stuck]
    return _none_of(examples, good="nothing is stuck", bad="calls are stuck in `pushing`; `calls resume` their batch")


def no_call_is_unknown(facts: DayFacts) -> Finding:
    """No call's outcome is unknown."""
    examples = [f"batch {batch}, calls {calls}" for batch, calls in facts.unknown.items()]
    return _none_of(
        examples,
        good="every call's outcome is known",
        bad="calls with an unknown outcome wait for `calls settle`",
        unknown_calls=sum(facts.unknown.values()),
    )


def phones_are_unique_in_call_history(facts: HistoryFacts) -> Finding:
    """The history has one row per number, in one spelling."""
    return _none_of(facts.repeated, good="one row per number", bad="a number is in the history in two spellings")


def history_agrees_with_log(facts: HistoryFacts) -> Finding:
    """The history counts exactly the calls in the log."""
    return _none_of(
        facts.miscounted, good="the history counts the log's calls", bad="the history counts other calls than the log"
    )


def _none_of(rows: Sequence[object], *, good: str, bad: str, **numbers: int) -> Finding:
    return Finding(not rows, bad if rows else good, tuple(map(str, rows)), {"found": len(rows), **numbers})
