"""What the lines did, counted. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class LineUse:
    """What one extension or one collector did over some days. `number`: of an extension, `name`: of a collector.

    `busy_s` is the time from the allocation of a line to its release, `talk_s` that of connected calls. `short_N`: connected
    with less than N seconds of talk; `dropped`: not connected, and over before the line had rung for its time limit.
    """

    tenant_id: int
    line_id: int
    number: str
    name: str
    calls: int
    connected: int
    failed: int
    unknown: int
    short_5: int
    short_10: int
    short_20: int
    short_30: int
    dropped: int
    busy_s: int
    talk_s: int
    first_at: dt.datetime
    last_at: dt.datetime


@dataclass(frozen=True)
class LineHour:
    """What a tenant's lines did in an hour: `collectors` and `extensions` that had a call, `gaps` pauses of `idle_s` in all.

    `closed` calls took `busy_s`, from the allocation of their line to its release.
    """

    hour: dt.datetime
    tenant_id: int
    calls: int
    connected: int
    closed: int
    busy_s: int
    talk_s: int
    gaps: int
    idle_s: int
    collectors: int
    extensions: int


@dataclass(frozen=True)
class Delay:
    """Calls of a day whose callback came after `tenths` of a second (the line `swept` by then or not), or was `lost`."""

    day: dt.date
    outcome: str
    tenths: int
    calls: int


class Worked(NamedTuple):
    """In how many hours a tenant had a call, and how many calls they were."""

    tenant_id: int
    hours: int
    calls: int
