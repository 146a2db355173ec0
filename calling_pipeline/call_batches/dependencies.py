"""What pushing batches needs from its caller: the database, a way to the gateway, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from calling_pipeline.vendors.dial_gateway import DialGateway

CLAIM_AHEAD_S = 0.5
"""Calls are claimed this long before they are sent, so that a claim never delays a send."""


@dataclass(frozen=True)
class PushLimits:
    """How a batch is pushed.

    `patience_s`: how long to wait here for hours, caps or a gateway before the batch is left waiting;
    `pause_patience_s`: how long a paused batch keeps its process.
    """

    concurrency: int
    rate_per_s: float
    patience_s: float = 60.0
    pause_patience_s: float = 600.0

    @property
    def chunk(self) -> int:
        """Calls claimed at once: no more than are sent within `CLAIM_AHEAD_S`."""
        return max(1, min(self.concurrency, int(self.rate_per_s * CLAIM_AHEAD_S)))


class GatewayMaker(Protocol):
    """Makes a gateway client for so many requests in flight."""

    def __call__(self, *, concurrency: int | None = None) -> DialGateway: ...


@dataclass(frozen=True)
class BatchDependencies:
    """Built by `Runtime.call_batches`. `by` names who pushes, for log and audit."""

    engine: sa.Engine
    gateway: GatewayMaker
    limits: PushLimits
    by: str = ""
