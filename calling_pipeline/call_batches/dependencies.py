"""What pushing batches needs from its caller: the database, a way to the gateway, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import httpx
import sqlalchemy as sa

from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline.vendors.dial_gateway import DialGateway, GatewayAccount

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
    """`gateway` makes a client of the dialling gateway; `by` names who pushes, for log and audit."""

    engine: sa.Engine
    gateway: GatewayMaker
    limits: PushLimits
    by: str = ""

    @classmethod
    def from_runtime(cls, runtime: Runtime, *, by: str = "", patience_s: float = 60.0) -> BatchDependencies:
        """As the settings say; `patience_s` as in `PushLimits`."""
        given = runtime.settings
        limits = PushLimits(given.gateway_concurrency, given.gateway_rate_per_s, patience_s)

        def gateway(*, concurrency: int | None = None) -> DialGateway:
            return dial_gateway(given, concurrency=concurrency)

        return cls(runtime.engine, gateway, limits, by)


def dial_gateway(
    settings: Settings, *, concurrency: int | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> DialGateway:
    """A client of the dialling gateway, to be used as an async context manager within one event loop."""
    account = GatewayAccount(
        app_id=settings.gateway_app_id,
        app_key=settings.gateway_app_key.get_secret_value(),
        svc_code=settings.gateway_svc_code,
        api_code=settings.gateway_api_code,
        event_code=settings.gateway_event_code,
        target_obj_id=settings.gateway_target_obj_id,
        lan_id=settings.gateway_lan_id,
        sign=settings.gateway_sign.get_secret_value(),
    )
    return DialGateway(
        settings.gateway_url,
        account,
        concurrency=concurrency or settings.gateway_concurrency,
        timeout_s=settings.gateway_timeout_s,
        transport=transport,
    )
