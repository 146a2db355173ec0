"""Work on an asset that no run of Dagster reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Activity:
    """What was done to an asset for a day since the last report: the newest numbers, who did it, how often.

    `changed` is false when its numbers stand and only its checks have something new to judge. `day` is None for an asset
    without days. `last_id` is the newest note that this stands for.
    """

    asset: str
    day: dt.date | None
    numbers: Mapping[str, int | float | str]
    by: str
    noted_at: dt.datetime
    times: int
    changed: bool
    last_id: int
