"""Alerts, conditions, and the results of sending alerts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]
Change = Literal["failing", "recovered", "quiet", "old"]
"""How a judgement changed a condition. `quiet`: nothing to announce; `old`: not newer than the saved judgement."""


@dataclass(frozen=True)
class Alert:
    """One thing people should know. `key` names the incident: an alert of the same key is recorded and sent only once.

    `title` and `text` hold no personal data and no secret. `kind` is a key of `texts.KINDS`, `link` a path of the Dagster
    UI, `about` the ids of the conditions whose state it announces.
    """

    key: str
    severity: Severity
    title: str
    text: str
    room: str
    kind: str = ""
    link: str = ""
    about: tuple[int, ...] = ()


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
    kind: str = ""
    link: str = ""
    about: Sequence[int] = ()


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

    `name` tells it from all others: `KIND:SUBJECT` or `KIND:SUBJECT:DAY`, the kind a key of `texts.KINDS`. `title` says
    what should be true; its alerts begin with "Failing: " or "Recovered: " and name the day where the title does not.
    `event` grows with every judgement: an older event never overrides a newer one. A failing condition whose `signature`
    is another than before is announced again. `link` is a path of the Dagster UI; without it the kind's own page.
    """

    name: str
    failing: bool
    severity: Severity
    title: str
    text: str
    room: str
    event: int
    subject: str = ""
    day: dt.date | None = None
    signature: str = ""
    link: str = ""

    @property
    def kind(self) -> str:
        """What its name begins with."""
        return self.name.partition(":")[0]


@dataclass(frozen=True)
class StoredCondition:
    """A condition that was failing at least once: since when (`opened_at`), until when (`closed_at`, None while it is open).

    `times_announced`: alerts that said so since `opened_at`, reminders included.
    """

    id: int
    name: str
    kind: str
    subject: str
    day: dt.date | None
    failing: bool
    severity: Severity
    room: str
    title: str
    text: str
    link: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    judged_at: dt.datetime
    announced_at: dt.datetime
    times_announced: int
    event: int

    @property
    def title_with_day(self) -> str:
        """The title, with the day where it does not stand in it."""
        return self.title if self.day is None or str(self.day) in self.title else f"{self.title}, {self.day}"

    @property
    def headline(self) -> str:
        """The title as its alerts have it: what should be true, and whether it is."""
        return f"{'Failing' if self.failing else 'Recovered'}: {self.title_with_day}"

    @property
    def state(self) -> Literal["open", "closed"]:
        """For people: `open` while it is failing."""
        return "open" if self.failing else "closed"
