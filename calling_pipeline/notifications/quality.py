"""Judgements about notifications. Facts go in, findings come out; `defs/notifications/checks.py` makes them checks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from calling_pipeline.notifications.outbox.records import StoredMessage
from calling_pipeline.quality import Finding

TOO_LONG = dt.timedelta(hours=1)
_SHOWN = 10


def ids_are_unique_in_ledger(repeated: Sequence[str], unreadable: Sequence[str]) -> Finding:
    """No contract id stands twice in a ledger. A ledger that cannot be read fails."""
    bad = [*unreadable, *repeated]
    return Finding(not bad, f"{len(repeated)} contract ids stand in a ledger more than once", tuple(bad[:_SHOWN]))


def one_open_task(doubled: Sequence[tuple[str, str, int]]) -> Finding:
    """At most one message per contract (or change) and kind."""
    examples = tuple(f"{subject}: {count} messages {kind}" for subject, kind, count in doubled[:_SHOWN])
    return Finding(not doubled, f"{len(doubled)} pairs of subject and kind have more than one message", examples)


def y_exactly_where_delivered(wrong: Sequence[str], unreadable: Sequence[str]) -> Finding:
    """`Y` in the ledger exactly where every message was delivered."""
    bad = [*unreadable, *wrong]
    return Finding(not bad, f"{len(wrong)} ledger rows do not say what the table says", tuple(bad[:_SHOWN]))


def nothing_pending_too_long(late: Sequence[StoredMessage], now: dt.datetime) -> Finding:
    """No message waits for longer than an hour."""
    examples = tuple(
        f"message {m.id} to {m.receiver}, {m.state} for {_minutes(now - m.created_at)} min: {m.last_error or 'not tried'}"
        for m in late[:_SHOWN]
    )
    sentence = f"{len(late)} messages are pending for more than {_minutes(TOO_LONG)} minutes"
    return Finding(not late, sentence, examples)


def _minutes(span: dt.timedelta) -> int:
    return int(span.total_seconds() // 60)
