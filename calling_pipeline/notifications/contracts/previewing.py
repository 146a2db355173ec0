"""What a run over a ledger would do now: who would get which text, what is parked and why. Writes and sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.contradictions import said_by
from calling_pipeline.notifications.contracts.generation import wanted_messages
from calling_pipeline.notifications.contracts.ledger_files import key_of, read_ledger
from calling_pipeline.notifications.contracts.records import KIND_WORDS, Contract, Parked
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox.records import Draft, Selection
from calling_pipeline.notifications.outbox.store import ROBOT

MOST_WITHDRAWN = 10_000


@dataclass(frozen=True)
class PreviewedMessage:
    """One message that would be made. `waits`: the receiver's rate holds it back, and the next minutes send it."""

    lines: tuple[int, ...]
    contract_id: str
    kind: str
    receiver: str
    body: str
    cut_bytes: int
    waits: bool


@dataclass(frozen=True)
class Preview:
    """A ledger as a run would take it now.

    `set_back`: contracts that `notify status` asks about; `withdrawn`: messages made before that a `Y` in the file would
    stop; `held_by_rate`: receiver → messages that its rate would hold back for later minutes.
    """

    csv_file: str
    contracts: int
    messages: tuple[PreviewedMessage, ...]
    parked: tuple[Parked, ...]
    without_receiver: int
    set_back: tuple[str, ...]
    withdrawn: tuple[int, ...]
    held_by_rate: Mapping[str, int]


def preview(connection: sa.Connection, path: Path, plan: Plan, names: Names, *, rate: int) -> Preview:
    """Judge a ledger as `generate` would, in a transaction that from now on cannot write.

    Raises `InvalidInput` or `NotFound` when the file cannot be used at all.
    """
    store.make_read_only(connection)
    now, ledger = days.now(), read_ledger(path)
    wanted = wanted_messages(connection, path, ledger, plan, names, day=days.day_of(now))
    messages = _in_turn(wanted.drafts, store.OUTBOX.lanes(connection, now), rate)
    silent = [one.contract_id for one in ledger.contracts if not one.said_yes]
    asked = rows.said_yes_before(connection, key_of(path), silent)
    return Preview(
        csv_file=key_of(path),
        contracts=len(ledger.contracts),
        messages=messages,
        parked=tuple(sorted(ledger.parked + wanted.parked, key=lambda one: one.line)),
        without_receiver=wanted.without_receiver,
        set_back=tuple(contract_id for contract_id in silent if contract_id in asked),
        withdrawn=_stopped(connection, said_by(ledger).notified),
        held_by_rate=dict(Counter(message.receiver for message in messages if message.waits)),
    )


def _in_turn(
    drafts: Sequence[tuple[Contract, Draft]], lanes: Mapping[str, tuple[int, int]], rate: int
) -> tuple[PreviewedMessage, ...]:
    """The messages in their order, each with whether its robot's minute is full before it."""
    before: Counter[str] = Counter()
    found: list[PreviewedMessage] = []
    for contract, draft in drafts:
        waiting, recent = lanes.get(draft.receiver, (0, 0))
        limited = rate > 0 and draft.receiver.startswith(ROBOT)
        waits = limited and waiting + recent + before[draft.receiver] >= rate
        before[draft.receiver] += 1
        kind = KIND_WORDS[draft.kind]
        found.append(
            PreviewedMessage(contract.lines, contract.contract_id, kind, draft.receiver, draft.body, draft.cut_bytes, waits)
        )
    return tuple(found)


def _stopped(connection: sa.Connection, notified: Collection[str]) -> tuple[int, ...]:
    pending = store.OUTBOX.selected(connection, Selection(states=("pending",)), limit=MOST_WITHDRAWN)
    return tuple(message.id for message in pending if message.subject in notified)
