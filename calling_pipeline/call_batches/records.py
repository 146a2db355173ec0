"""Calling tasks, batches, call tasks and their states."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from typing_extensions import TypedDict

from calling_pipeline.call_batches.calling_tasks.best_time.records import BestTime
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_SAID, RedialRule

ROOM = "call_batches"
"""The room's name in the contact policy, the task ledger and alerts."""

BatchState = Literal["planned", "running", "waiting", "paused", "cancelled", "completed"]
CallState = Literal["pending", "pushing", "pushed", "refused", "failed", "unknown", "skipped"]
LogOutcome = Literal["pushed", "refused", "failed", "not_sent", "unknown", "settled_pushed", "settled_retry"]

About = Literal["person", "account"]
"""What a refusal is about: the number, then it is final for a while; or our account, then a person decides."""

MOVES: Mapping[CallState | None, Mapping[CallState, str]] = {
    None: {
        "pending": "planned, to be called",
        "skipped": "planned, with a reason against calling it",
    },
    "pending": {
        "pushing": "claimed, the contact policy allows it now",
        "skipped": "the policy or its redial rule refuses it, the number was called since, or the batch is over",
    },
    "pushing": {
        "pushed": "the gateway took the call",
        "refused": "the gateway refused the call",
        "failed": "the gateway refused the request, or did not take it in the last attempt",
        "pending": "certainly not made, to be attempted again",
        "skipped": "certainly not made, and the batch is cancelled",
        "unknown": "no readable answer, or the process ended",
    },
    "unknown": {
        "pushed": "a late answer or a person says that it was made",
        "refused": "a late answer says so",
        "failed": "a late answer says so",
        "pending": "a late answer or a person says that it was not made",
        "skipped": "the same, and the batch is cancelled",
    },
    "pushed": {},
    "refused": {"pending": "a person says that our account was refused, not the number"},
    "failed": {"pending": "a person says that our account was refused, not the number"},
    "skipped": {},
}
"""State of a call → the states it may move to, and what causes each move. `docs/call-states.md` draws it.

None is a source row that is being planned. A call that is delayed stays `pending`. `pushed` and `skipped` are
final, and for software so are `refused` and `failed`.
"""

MAPPED: tuple[str, ...] = ("mobile_phone", "staff_name", "sys_name", "order_type", "order_nums", "row_key")

REASONS: Mapping[str, str] = {
    "blank": "no number",
    "masked": "masked number",
    "tail_only": "only the last digits",
    "digits_lost": "digits lost by a spreadsheet",
    "several_numbers": "several numbers in one field",
    "not_a_number": "not a telephone number",
    "short_number": "short or emergency number",
    "service_number": "service number (400, 800)",
    "land_line": "land line",
    "area_code_missing": "land line without its area code",
    "foreign": "number abroad",
    "duplicate": "same number in another row of the batch",
    "do_not_call": "on the do-not-call list",
    "called_before": "called before, within the recall window",
    "redial_waiting": "called before; a redial waits for the result of that call",
    "redial_too_soon": "called before; too soon for a redial",
    "redial_used_up": "called before; redialled as often as the rule allows",
    "refused_before": "refused by the gateway before, for this number",
    "open_elsewhere": "waiting or unsettled in another batch",
    "account_refused": "our account was refused for it; `calls requeue` decides",
    "country": "a number of a country that the contact policy does not allow",
    "number_kind": "a kind of number that the contact policy does not allow",
    "minimum_gap": "contacted too recently",
    "rolling_cap": "over a rolling cap",
    "calendar_cap": "over a calendar cap",
    "changed_meanwhile": "the row changed while the batch was planned",
    "cancelled": "the batch was cancelled",
    "expired": "the batch expired",
    "shadow": "planned in shadow mode",
}
"""Why a source row is not called, in the order in which the pre-flight card shows it."""


@dataclass(frozen=True)
class Source:
    """Where a calling task's rows come from: a table and, for each field of a call, a column or None."""

    schema: str
    table: str
    mobile_phone: str
    staff_name: str | None = None
    sys_name: str | None = None
    order_type: str | None = None
    order_nums: str | None = None
    row_key: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Field → column, for the fields that have one."""
        return {name: column for name in MAPPED if (column := getattr(self, name))}


@dataclass(frozen=True)
class CallingTask:
    """One row of `calling_tasks`."""

    id: int
    name: str
    cron: str
    source: Source
    enabled: bool
    remark: str
    recall_days: int | None
    rate_per_s: float | None
    policy: Mapping[str, Any]
    ticks_from: dt.datetime
    refused_days: int | None = None
    expires_after_s: int | None = None
    redial: tuple[RedialRule, ...] = ()
    land_lines: bool = False
    best_time: BestTime | None = None


@dataclass(frozen=True)
class PlanRules:
    """What the settings say about planning, for every calling task.

    `refused_days`: how long a number that the gateway refused for good is left out; `source_schemas`: from where tasks may
    read, empty for every schema but our own and PostgreSQL's; `rate_per_s`: pushes of the gateway account at most; `shadow`:
    what is planned is never pushed.
    """

    refused_days: int = 90
    source_schemas: tuple[str, ...] = ()
    rate_per_s: float = 50.0
    shadow: bool = False


DEFAULT_RULES = PlanRules()


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


@dataclass(frozen=True)
class Claimed:
    """One call that this runner may make now."""

    id: int
    phone: str = field(repr=False)
    staff_name: str | None
    sys_name: str | None
    order_type: str | None
    order_nums: int | None
    distinct_id: str
    attempt: int
    claim: str


@dataclass(frozen=True)
class ClaimDecision:
    """What a claim makes of one due call: `pushing`, `skipped` for a reason, or `pending` until `not_before`."""

    id: int
    state: Literal["pushing", "skipped", "pending"]
    distinct_id: str | None
    reason: str | None = None
    not_before: dt.datetime | None = None


@dataclass(frozen=True)
class Result:
    """What became of one claimed call: its next state (`pending` again when it was not sent) and its log row."""

    call: Claimed
    state: CallState
    outcome: LogOutcome
    resp_code: str = ""
    message: str = ""
    http_status: int | None = None
    sent_at: dt.datetime | None = None
    answered_at: dt.datetime | None = None
    not_before: dt.datetime | None = None
    about: About | None = None


@dataclass(frozen=True)
class UnknownCall:
    """One call whose outcome is unknown, for the operator who settles it."""

    id: int
    batch_id: int
    phone: str = field(repr=False)
    distinct_id: str
    claimed_at: dt.datetime
    message: str


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


def require_move(before: CallState, after: CallState) -> None:
    """Raise `ValueError` unless a call may move from `before` to `after`."""
    if after not in MOVES[before]:
        raise ValueError(f"a call cannot move from {before} to {after}")


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
