"""What all nouns of the room share: its name, the states and their moves, the reasons, and what the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ROOM = "call_batches"
"""The room's name in the contact policy, the task ledger and alerts."""
SOURCE_TABLES = "source_tables"
"""The asset of the tables whose rows are called."""

BatchState = Literal["planned", "running", "waiting", "paused", "cancelled", "completed"]
CallState = Literal["pending", "pushing", "pushed", "refused", "failed", "unknown", "skipped"]

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
class BreakerRule:
    """When a batch of which the gateway takes nothing is paused (`pushing/breaker.py`).

    After `in_a_row` calls that ended alike, or when none of the last `window` was accepted and `share_pct` ended alike.
    """

    in_a_row: int = 10
    window: int = 20
    share_pct: float = 50.0


DEFAULT_BREAKER = BreakerRule()


def require_move(before: CallState, after: CallState) -> None:
    """Raise `ValueError` unless a call may move from `before` to `after`."""
    if after not in MOVES[before]:
        raise ValueError(f"a call cannot move from {before} to {after}")
