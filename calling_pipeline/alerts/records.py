"""Alerts, conditions, and the results of sending alerts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]
Change = Literal["failing", "recovered", "quiet", "old"]
"""How a judgement changed a condition. `quiet`: nothing to announce; `old`: not newer than the saved judgement."""


@dataclass(frozen=True)
class Alert:
    """One thing people should know. `key` names the incident: an alert of the same key is recorded and sent only once.

    `title` and `text` hold no personal data and no secret.
    """

    key: str
    severity: Severity
    title: str
    text: str
    room: str


@dataclass(frozen=True)
class Delivery:
    """One alert on its way to one channel. `repeat`: the claim before was orphaned, and its attempt may have arrived."""

    alert_id: int
    channel: str
    severity: Severity
    title: str
    text: str
    attempts: int
    repeat: bool


@dataclass(frozen=True)
class StoredAlert:
    """A row of the alert table, as people see it."""

    id: int
    key: str
    severity: Severity
    room: str
    title: str
    text: str
    created_at: dt.datetime
    delivered: int
    waiting: int
    failed: int


@dataclass(frozen=True)
class Condition:
    """A judgement that is made again and again, such as one check on one day.

    `name` tells it from all others. `title` says what should be true; its alerts begin with "Failing: " or "Recovered: ".
    `event` grows with every judgement: an older event never overrides a newer one.
    """

    name: str
    failing: bool
    severity: Severity
    title: str
    text: str
    room: str
    event: int
