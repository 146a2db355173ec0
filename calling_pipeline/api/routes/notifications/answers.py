"""The shapes of answers about notifications, as the description of the API shows them."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel
from typing_extensions import TypedDict

from calling_pipeline.notifications.contracts.records import RowState
from calling_pipeline.notifications.outbox.records import Figures, HeldGroup, MessageState, StoredMessage


class ParkedLine(TypedDict):
    """A line that cannot be used, and why."""

    csv_file: str
    line: int
    reason: str
    contract_id: str | None


class ParkedLines(TypedDict):
    """Lines of one ledger that cannot be used for one reason, and a sentence about them."""

    csv_file: str
    reason: str
    lines: list[int]
    sentence: str


class Asked(TypedDict):
    """A contract that was set back to N, the kinds delivered before, and the question with its answers as a sentence."""

    csv_file: str
    contract_id: str
    line: int
    set_back_at: dt.datetime
    delivered: list[str]
    sentence: str


class ContractRow(TypedDict):
    """A contract in a ledger: what its row said and when, and its messages by state."""

    csv_file: str
    contract_id: str
    line: int
    first_seen_at: dt.datetime
    said_yes_at: dt.datetime | None
    set_back_at: dt.datetime | None
    parked: bool
    state: RowState
    messages: dict[MessageState, int]


class Contract(TypedDict):
    """One contract: its rows in the ledgers, and every message about it."""

    contract_id: str
    rows: list[ContractRow]
    messages: list[StoredMessage]


class BoxStatus(TypedDict):
    """One outbox: its messages by state, how sending went in the last thirty days, and what is held."""

    counts: dict[MessageState, int]
    next_due_at: dt.datetime | None
    figures: Figures
    held_groups: list[HeldGroup]
    held: list[StoredMessage]


class Status(TypedDict):
    """Both outboxes, lines that are parked, and questions that wait for a person."""

    contracts: BoxStatus
    technicians: BoxStatus
    parked: list[ParkedLine]
    parked_groups: list[ParkedLines]
    questions: list[Asked]


class Decided(TypedDict):
    """What was decided, or with `dry_run` would be; `not_done`: ids that are not in a state to decide about."""

    dry_run: bool
    ids: list[int]
    sample: list[StoredMessage]
    not_done: list[int]
    messages: int


class Kept(BaseModel):
    """Which contracts were answered."""

    contracts: list[str]


class RunSeen(BaseModel):
    """What a run would do now: messages, to whom, lines that are parked, files that cannot be read, and what waits."""

    messages: int
    by_receiver: dict[str, int]
    parked: int
    waiting: int
    unreadable: list[str]
    held_by_rate: int


class RunBegun(BaseModel):
    """The task id under which the ledger says how the run ended."""

    task_id: str
