"""Technicians' status changes, and what reading a list of them gave."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal, get_args

Status = Literal["上线", "下线"]
STATUSES: tuple[Status, ...] = get_args(Status)
Kind = Literal["company", "robot"]
TO_COMPANY: Kind = "company"
TO_ROBOT: Kind = "robot"


@dataclass(frozen=True)
class Change:
    """One status change of one technician."""

    change_id: str
    at: dt.datetime
    technician: str
    company: str
    status: Status


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read as a status change, and why; `row` counts from 1."""

    row: int
    reason: str


@dataclass
class Generated:
    """What a list of rows gave: changes never seen before, messages made, changes too old to send, rows not used."""

    rows: int = 0
    new_changes: int = 0
    messages: int = 0
    too_old: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    companies_without_receiver: list[str] = field(default_factory=list)
