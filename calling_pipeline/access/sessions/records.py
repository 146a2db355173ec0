"""The records of sessions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from calling_pipeline.access.people.records import Person

IDLE = dt.timedelta(hours=2)
"""A session ends when nothing was asked in it for so long (exact to the minute),"""
LONGEST = dt.timedelta(hours=12)
"""and so long after its login in any case."""


@dataclass(frozen=True)
class Session:
    """A session that was opened. `secret` goes into the cookie and is kept nowhere else."""

    id: int
    secret: str
    csrf: str
    person: Person
    expires_at: dt.datetime


@dataclass(frozen=True)
class OpenSession:
    """A session that goes on, as its person sees it. `last_seen_at` is exact to the minute."""

    id: int
    created_at: dt.datetime
    last_seen_at: dt.datetime
    expires_at: dt.datetime
