"""What one looks at first: each ledger with its contracts by state, and held messages with the same cause together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline.notifications.contracts.ledger_files import key_of
from calling_pipeline.notifications.contracts.records import Parked
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox.records import HeldGroup, MessageState, Selection, StoredMessage
from calling_pipeline.notifications.outbox.store import Outbox


@dataclass(frozen=True)
class LedgerState:
    """One ledger as it was last read.

    `read_at` None: it was never read. `yes`, `waiting` and `asked` are contracts by what their rows say; `parked_lines` are
    lines that cannot be used, `contradictions` the contracts on those that contradict each other, `without_receiver` the
    lines that wait for a setting or a campaign. `there`: the file exists now.
    """

    csv_file: str
    there: bool
    configured: bool
    read_at: dt.datetime | None
    contracts: int
    yes: int
    waiting: int
    asked: int
    parked_lines: int
    contradictions: int
    without_receiver: int

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return Path(self.csv_file).name


@dataclass(frozen=True)
class Cause:
    """Held messages of one state with the same cause, whoever was to receive them. `sample` is the oldest of them."""

    state: MessageState
    cause: str
    messages: int
    since: dt.datetime
    receivers: tuple[str, ...]
    sample: StoredMessage


def ledger_states(connection: sa.Connection, configured: Sequence[Path]) -> list[LedgerState]:
    """The configured ledgers in their order, then others that were read before."""
    named = [key_of(path) for path in configured]
    read, states = rows.readings(connection), rows.row_states(connection)
    parked: dict[str, list[Parked]] = {}
    for csv_file, line in rows.parked(connection):
        parked.setdefault(csv_file, []).append(line)
    found = []
    for csv_file in dict.fromkeys([*named, *read]):
        read_at, contracts = read.get(csv_file, (None, 0))
        lines = parked.get(csv_file, [])
        by_state = states.get(csv_file, {})
        found.append(
            LedgerState(
                csv_file=csv_file,
                there=Path(csv_file).exists(),
                configured=csv_file in named,
                read_at=read_at,
                contracts=contracts,
                yes=by_state.get("yes", 0),
                waiting=by_state.get("waiting", 0),
                asked=by_state.get("asked", 0),
                parked_lines=len(lines),
                contradictions=len({line.contract_id for line in lines if line.contradicts}),
                without_receiver=sum(line.needs != "ledger" for line in lines),
            )
        )
    return found


def causes(connection: sa.Connection, outbox: Outbox) -> list[Cause]:
    """Held messages by state and cause, the most frequent first."""
    groups: dict[tuple[MessageState, str], list[HeldGroup]] = {}
    for group in outbox.held_groups(connection):
        groups.setdefault((group.state, group.cause), []).append(group)
    oldest = tuple(min(group.first_id for group in of_one) for of_one in groups.values())
    samples = {message.id: message for message in outbox.selected(connection, Selection(oldest), limit=None)}
    found = [
        Cause(
            state,
            cause,
            sum(group.messages for group in of_one),
            min(group.since for group in of_one),
            tuple(sorted(group.receiver for group in of_one)),
            samples[min(group.first_id for group in of_one)],
        )
        for (state, cause), of_one in groups.items()
    ]
    return sorted(found, key=lambda cause: (-cause.messages, cause.sample.id))
