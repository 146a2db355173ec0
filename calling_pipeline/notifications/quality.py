"""Judgements about notifications. Facts go in, findings come out; `defs/notifications/checks.py` makes them checks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from calling_pipeline.notifications.outbox.records import StoredMessage
from calling_pipeline.quality import Finding

TOO_LONG = dt.timedelta(hours=1)
_SHOWN = 10


@dataclass(frozen=True)
class MessageFacts:
    """One outbox: `doubled` (subject, kind, messages) where there should be one; `late`: messages open for too long."""

    doubled: Sequence[tuple[str, str, int]]
    late: Sequence[StoredMessage]
    now: dt.datetime


@dataclass(frozen=True)
class ContractFacts(MessageFacts):
    """The contracts' outbox and its ledgers; each sentence names a file's line or a contract."""

    contradictions: Sequence[str] = ()
    wrong_status: Sequence[str] = ()
    unreadable: Sequence[str] = ()


def lines_of_a_contract_agree(facts: ContractFacts) -> Finding:
    """The lines of one contract in a ledger contradict each other in nothing. A ledger that cannot be read fails."""
    bad = [*facts.unreadable, *facts.contradictions]
    numbers = {"contradictions": len(facts.contradictions), "unreadable_ledgers": len(facts.unreadable)}
    sentence = f"{len(facts.contradictions)} contracts stand on lines that contradict each other"
    return Finding(not bad, sentence, tuple(bad[:_SHOWN]), numbers)


def one_message_per_subject_and_kind(facts: MessageFacts) -> Finding:
    """At most one message per contract (or change) and kind."""
    doubled = facts.doubled
    examples = tuple(f"{subject}: {count} messages {kind}" for subject, kind, count in doubled[:_SHOWN])
    sentence = f"{len(doubled)} pairs of subject and kind have more than one message"
    return Finding(not doubled, sentence, examples, {"doubled": len(doubled)})


def y_exactly_where_delivered(facts: ContractFacts) -> Finding:
    """`Y` in the ledger exactly where every message was delivered."""
    bad = [*facts.unreadable, *facts.wrong_status]
    numbers = {"wrong_rows": len(facts.wrong_status), "unreadable_ledgers": len(facts.unreadable)}
    return Finding(not bad, f"{len(facts.wrong_status)} ledger rows disagree with the table", tuple(bad[:_SHOWN]), numbers)


def nothing_pending_too_long(facts: MessageFacts) -> Finding:
    """No message waits for longer than an hour."""
    examples = tuple(
        f"message {m.id} to {m.receiver}, {m.state} for {_minutes(facts.now - m.created_at)} min:"
        f" {m.last_error or 'not tried'}"
        for m in facts.late[:_SHOWN]
    )
    sentence = f"{len(facts.late)} messages are pending for more than {_minutes(TOO_LONG)} minutes"
    return Finding(not facts.late, sentence, examples, {"late": len(facts.late)})


def _minutes(span: dt.timedelta) -> int:
    return int(span.total_seconds() // 60)
