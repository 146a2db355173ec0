"""What pushing batches needs from its caller: the database, a way to the gateway, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import httpx
import sqlalchemy as sa

from calling_pipeline.call_batches.calls.archives.archiving import Archives
from calling_pipeline.call_batches.calls.archives.store_files import Keys
from calling_pipeline.call_batches.records import DEFAULT_BREAKER, DEFAULT_RULES, BreakerRule, PlanRules
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline.shadow import SENTENCE
from calling_pipeline.vendors.dial_gateway import DialGateway, GatewayAccount

CLAIM_AHEAD_S = 0.5
"""Calls are claimed this long before they are sent, so that a claim never delays a send."""


@dataclass(frozen=True)
class PushLimits:
    """How a batch is pushed: at `rate_per_s` at most, and all batches of the gateway `account` at `account_rate_per_s`.

    `patience_s`: how long to wait here for hours, caps or a gateway before the batch is left waiting;
    `pause_patience_s`: how long a paused batch keeps its process.
    """

    concurrency: int
    rate_per_s: float
    patience_s: float = 60.0
    pause_patience_s: float = 600.0
    account: str = ""
    account_rate_per_s: float = 50.0
    breaker: BreakerRule = DEFAULT_BREAKER

    def chunk(self, batches: int = 1) -> int:
        """Calls claimed at once: no more than are sent within `CLAIM_AHEAD_S` while `batches` share the account's rate."""
        rate_per_s = min(self.rate_per_s, self.account_rate_per_s / batches)
        return max(1, min(self.concurrency, int(rate_per_s * CLAIM_AHEAD_S)))


class GatewayMaker(Protocol):
    """Makes a gateway client for so many requests in flight."""

    def __call__(self, *, concurrency: int | None = None) -> DialGateway: ...


@dataclass(frozen=True)
class BatchDependencies:
    """`gateway` makes a client of the dialling gateway; `by` names who pushes, for log and audit.

    `refusal`: why no batch may start with these settings, None when one may.
    """

    engine: sa.Engine
    gateway: GatewayMaker
    limits: PushLimits
    by: str = ""
    rules: PlanRules = DEFAULT_RULES
    refusal: str | None = None

    @classmethod
    def from_runtime(cls, runtime: Runtime, *, by: str = "", patience_s: float = 60.0) -> BatchDependencies:
        """As the settings say; `patience_s` as in `PushLimits`."""
        given = runtime.settings
        limits = PushLimits(
            given.gateway_concurrency,
            given.gateway_rate_per_s,
            patience_s,
            account=f"{given.gateway_app_id} {given.gateway_url}",
            account_rate_per_s=given.gateway_rate_per_s,
            breaker=BreakerRule(
                given.gateway_breaker_in_a_row, given.gateway_breaker_window, given.gateway_breaker_share_pct
            ),
        )

        def gateway(*, concurrency: int | None = None) -> DialGateway:
            return dial_gateway(given, concurrency=concurrency)

        return cls(runtime.engine, gateway, limits, by, plan_rules(given), gateway_refusal(given))


def plan_rules(settings: Settings) -> PlanRules:
    """What the settings say about planning."""
    return PlanRules(
        settings.refused_days, tuple(settings.source_schemas), settings.gateway_rate_per_s, shadow=settings.shadow
    )


def archives_of(runtime: Runtime) -> Archives:
    """Where rows that were left out are moved to, as the settings say."""
    given = runtime.settings
    keys = Keys(given.secret_key_bytes(), runtime.phone_key)
    return Archives(given.archive_dir or given.home / "archives", keys, given.archive_after_days)


def gateway_refusal(settings: Settings) -> str | None:
    """Why no batch may start with these settings, None when one may.

    None does in shadow mode. Another gateway than the simulator of this machine refuses every call without an event code and
    a target object.
    """
    if settings.shadow:
        return SENTENCE
    if settings.gateway_url == f"{settings.simulator_url}/gateway":
        return None
    needed = {"CALLING_GATEWAY_EVENT_CODE": settings.gateway_event_code,
              "CALLING_GATEWAY_TARGET_OBJ_ID": settings.gateway_target_obj_id}  # fmt: skip
    empty = [name for name, value in needed.items() if not value.strip()]
    if not empty:
        return None
    verb = "is" if len(empty) == 1 else "are"
    return f"{' and '.join(empty)} {verb} empty, and the gateway refuses every call without: set them; nobody was called"


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
        account_codes=settings.gateway_account_codes,
        transport=transport,
        shadow=settings.shadow,
    )
