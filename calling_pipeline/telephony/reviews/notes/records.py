"""Typed records of quality notes. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True)
class Note:
    """What one reviewer thinks of one call; `replaced_at`: they have changed their mind since."""

    id: int
    record_id: int
    tenant_id: int
    reviewer: str
    score: int
    remark: str
    noted_at: dt.datetime
    replaced_at: dt.datetime | None
