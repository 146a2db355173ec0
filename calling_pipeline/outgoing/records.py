"""Acts that leave the house, and what holds them back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

Act = Literal["batches", "clicks", "messages", "mails"]
"""Calls of batches, calls of people at their desk, messages of the outboxes, mails of reports."""
ACTS: tuple[Act, ...] = get_args(Act)


@dataclass(frozen=True)
class Hold:
    """One reason why acts do not happen. `reason` is the sentence that whoever tries is shown."""

    kind: str
    act: Act
    since: dt.datetime
    reason: str
    by: str
