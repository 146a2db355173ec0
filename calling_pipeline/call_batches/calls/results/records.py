"""What became of pushed calls: the results, and the card of a batch that goes on with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal, get_args

Result = Literal["connected", "not_connected", "not_dialled", "waiting"]
"""What became of a pushed call. `waiting`: there is no call record of it yet."""
RESULTS: tuple[Result, ...] = get_args(Result)


@dataclass(frozen=True)
class BatchResults:
    """The results of one batch: `pushed` = `connected` + `not_connected` + `not_dialled` + `waiting`.

    `order_9` and `order_1` are calls with an order, `talk_s` the seconds of all its calls; `oldest_waiting_at` is when the
    oldest waiting call was pushed. `joined_at` is None when the batch was never joined with call records.
    """

    pushed: int
    connected: int = 0
    not_connected: int = 0
    not_dialled: int = 0
    waiting: int = 0
    order_9: int = 0
    order_1: int = 0
    talk_s: int = 0
    oldest_waiting_at: dt.datetime | None = None
    joined_at: dt.datetime | None = None

    def as_of(self, pushed: int, started_at: dt.datetime | None) -> BatchResults:
        """The results when `pushed` calls are pushed by now, since `started_at`: those pushed after the join wait too."""
        waiting = max(pushed - self.connected - self.not_connected - self.not_dialled, 0)
        oldest = (self.oldest_waiting_at or self.joined_at or started_at) if waiting else None
        return replace(self, pushed=pushed, waiting=waiting, oldest_waiting_at=oldest)

    @property
    def difference(self) -> int:
        """Pushed calls without a result: 0."""
        return self.pushed - self.connected - self.not_connected - self.not_dialled - self.waiting
