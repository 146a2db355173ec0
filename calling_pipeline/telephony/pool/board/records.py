"""Extensions as a person looks at them: one word for each state. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Shown = Literal["free", "cooling", "in_use", "draining", "quarantine", "offline", "disabled"]
SHOWN: tuple[Shown, ...] = ("free", "cooling", "in_use", "draining", "quarantine", "offline", "disabled")
"""`draining`: in use, and offline when its call has ended. `disabled`: its configuration allocates nothing."""


@dataclass(frozen=True)
class Tile:
    """One extension at an instant. `until`: when its cool-down or quarantine ends; None: no end is set.

    `call_id` is the open call on it, if there is one.
    """

    id: int
    tenant_id: int
    config_id: int
    config_name: str
    number: str
    label: str
    holder: int | None
    holder_name: str | None
    fence: int
    allocated_at: dt.datetime | None
    last_used_at: dt.datetime | None
    failures: int
    offline_reason: str
    call_id: int | None
    call_state: str | None
    shown: Shown
    until: dt.datetime | None

    @property
    def used(self) -> bool:
        """Whether a collector holds it."""
        return self.shown in ("in_use", "draining")
