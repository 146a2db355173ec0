"""The records of the audit log: who did what, through which door, when, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Door = Literal["command line", "api", "console", "dagster", "program"]
"""How an act came in; `program` is what the product does by itself."""


@dataclass(frozen=True)
class Entry:
    """One act. `before` and `after` hold what changed (JSON values), no secret and no full telephone number."""

    id: int
    at: dt.datetime
    person: str
    door: Door
    act: str
    subject: str
    tenant_id: int | None
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
