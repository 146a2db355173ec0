"""The records of stored tokens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """One token of a person, without its secret. `last_used_at` is exact to the minute."""

    id: int
    person: str
    label: str
    created_at: dt.datetime
    created_by: str
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None
