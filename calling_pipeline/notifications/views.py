"""What doors show of the notifications: states, figures, held messages by cause, parked lines, questions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.errors import NotFound
from calling_pipeline.notifications.contracts import store as contract_store
from calling_pipeline.notifications.contracts.records import KIND_WORDS, Parked
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox.records import HELD, Figures, Selection, StoredMessage
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.notifications.technicians import store as technician_store

FIGURES_OVER = dt.timedelta(days=30)
_WORDS = {**KIND_WORDS, "company": "message to the company", "robot": "message to the group"}


@dataclass(frozen=True)
class ParkedGroup:
    """Lines of one ledger that cannot be used for one reason."""

    csv_file: str
    reason: str
    lines: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """For people."""
        listed = ", ".join(map(str, self.lines[:20])) + (", …" if len(self.lines) > 20 else "")
        return f"{len(self.lines)} parked: {self.reason} ({Path(self.csv_file).name} line {listed})"


def kind_in_words(kind: str) -> str:
    """A kind of message as people read it."""
    return _WORDS.get(kind, kind)


def status(connection: sa.Connection, *, limit: int) -> dict[str, Any]:
    """Both outboxes with at most `limit` held messages each, lines that are parked, and questions that wait for a person."""
    document: dict[str, Any] = {}
    for name, outbox in OUTBOXES.items():
        document[name] = {
            "counts": outbox.counts(connection),
            "next_due_at": outbox.next_due(connection),
            "figures": asdict(figures(connection, name)),
            "held_groups": [asdict(group) for group in outbox.held_groups(connection)],
            "held": [message_document(message) for message in outbox.messages(connection, HELD, limit)],
        }
    document["parked"] = [{"csv_file": csv_file, **asdict(line)} for csv_file, line in rows.parked(connection)]
    document["parked_groups"] = parked_documents(connection)
    document["questions"] = question_documents(connection)
    return document


def parked_documents(connection: sa.Connection) -> list[dict[str, Any]]:
    """Lines of which no message can be made, by ledger and reason."""
    return [{**asdict(group), "sentence": group.sentence} for group in parked_groups(rows.parked(connection))]


def question_documents(connection: sa.Connection) -> list[dict[str, Any]]:
    """Contracts set back to `N`, with the question and its answers as a sentence."""
    return [{**asdict(asked), "sentence": asked.sentence} for asked in rows.questions(connection)]


def contract_document(connection: sa.Connection, contract_id: str) -> dict[str, Any]:
    """One contract: its rows, and every message about it. Raises `NotFound` when neither exists."""
    seen = rows.contracts(connection, contract_id=contract_id, limit=100)
    messages = contract_store.OUTBOX.selected(connection, Selection(subject=contract_id), limit=1000)
    if not seen and not messages:
        raise NotFound(f"no ledger has a contract {contract_id[:200]!r}")
    shown = [message_document(message) for message in messages]
    return {"contract_id": contract_id, "rows": seen, "messages": shown}


def figures(connection: sa.Connection, name: str) -> Figures:
    """How sending of one outbox went in the last thirty days."""
    since = days.now() - FIGURES_OVER
    found = OUTBOXES[name].figures(connection, since)
    if name == "technicians":
        return replace(found, doubled=len(technician_store.doubled(connection)))
    resent = contract_store.count_resends(connection, since)
    return replace(found, doubled=len(contract_store.doubled(connection)), resent=resent)


def figures_sentence(found: Figures) -> str:
    """Success rate, median times and duplicates, for people."""
    if found.success_rate is None:
        return "nothing was sent in the last 30 days"
    parts = [f"{found.success_rate:.1f} % of {found.ended} delivered"]
    if found.median_answer_s is not None and found.median_delivery_s is not None:
        parts.append(f"median answer {found.median_answer_s:.2f} s, from made to delivered {found.median_delivery_s:.1f} s")
    parts.append(f"{found.doubled} sent twice, {found.resent} sent again by order")
    return f"last 30 days: {'; '.join(parts)}"


def parked_groups(parked: Sequence[tuple[str, Parked]]) -> list[ParkedGroup]:
    """Lines with one reason together, in the order of their first lines."""
    groups: dict[tuple[str, str], list[int]] = {}
    for csv_file, line in parked:
        groups.setdefault((csv_file, line.reason), []).append(line.line)
    return [ParkedGroup(csv_file, reason, tuple(lines)) for (csv_file, reason), lines in groups.items()]


def message_document(message: StoredMessage) -> dict[str, Any]:
    """One message, its kind in words."""
    return {**asdict(message), "kind": kind_in_words(message.kind)}
