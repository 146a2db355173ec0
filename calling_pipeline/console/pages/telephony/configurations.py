"""`/telephony/configurations`: the tenants' accounts with Infinity."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.api.dependencies import PathId
from calling_pipeline.api.routes.telephony.bodies import PREFIX
from calling_pipeline.console.pages.telephony.common import (
    Admin,
    Operator,
    Text,
    Viewer,
    chosen_tenant,
    needed_reason,
    tenants_to_choose,
)
from calling_pipeline.console.views import View
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.calls.limits import store as limit_store
from calling_pipeline.telephony.calls.limits.judging import LIMITS
from calling_pipeline.telephony.dependencies import infinity_client
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Account, Config, PoolStatistics
from calling_pipeline.telephony.tenants import accounts, configurations, trying
from calling_pipeline.telephony.tenants.secret_changes import secret_changes

router = APIRouter(tags=["telephony"])
BACK = "/telephony/configurations"
CALLBACK = f"{PREFIX}/callback/call-record"
MOST = 500


@dataclass(frozen=True)
class Limit:
    """One limit of calls against what is used of it: of the tenant, or of its busiest collector."""

    name: str
    limit: int | None
    used: int


@dataclass(frozen=True)
class Listed:
    """A configuration and its pool now."""

    config: Config
    pool: PoolStatistics | None


@router.get("/telephony/configurations")
def show_all(view: Viewer) -> Response:
    """Every configuration of the tenant, or of all tenants."""
    tenant = chosen_tenant(view)
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
        found, total = configurations.page(
            connection, view.runtime.secrets, tenant_id=tenant, enabled=None, limit=MOST, offset=0
        )
        pools = {one.config_id: one for one in pool_store.statistics(connection, days.now(), tenant_id=tenant)}
    rows = [Listed(config, pools.get(config.id)) for config in found]
    return view.page("telephony/configurations.html", rows=rows, total=total, tenants=tenants)


@router.get("/telephony/configurations/{config_id}")
def show(config_id: PathId, view: Viewer) -> Response:
    """One configuration: every setting, its secrets only as set or not, its limits against use."""
    with view.transaction() as connection:
        config = visible(view, connection, config_id)
        (pool,) = pool_store.statistics(connection, days.now(), config_id=config_id)
        limits = _limits(connection, config)
        changed = secret_changes(connection, config_id)
    policy = policy_from(config.contact_rules)
    return view.page(
        "telephony/configuration.html",
        config=config,
        pool=pool,
        limits=limits,
        changed=changed,
        policy=policy,
        callback=view.runtime.settings.address + CALLBACK,
    )


@router.post("/telephony/configurations/{config_id}/test")
async def test(config_id: PathId, view: Operator) -> Response:
    """Log in with the stored account and say how long that took, or why it did not work."""
    config, account = await asyncio.to_thread(_stored, view, config_id)
    async with infinity_client(view.runtime, account) as client:
        tested = await accounts.test_login(client)
    return view.page("telephony/test.html", config=config, tested=tested)


@router.get("/telephony/configurations/{config_id}/status")
def show_status(config_id: PathId, view: Admin) -> Response:
    """What enabling or disabling changes."""
    return _act(view, config_id, "telephony/configuration_status.html")


@router.post("/telephony/configurations/{config_id}/status")
def set_status(config_id: PathId, view: Admin, enabled: Annotated[bool, Form()]) -> Response:
    """Enable or disable it."""
    with view.transaction() as connection:
        config = visible(view, connection, config_id)
        configurations.change(connection, view.runtime.secrets, config_id, {"enabled": enabled}, who=view.caller.name)
    if enabled:
        return view.done("telephony.configuration_enabled", back=f"{BACK}/{config_id}", name=config.name)
    return view.done("telephony.configuration_disabled", back=f"{BACK}/{config_id}", name=config.name)


@router.get("/telephony/configurations/{config_id}/rotate")
def show_rotate(config_id: PathId, view: Admin) -> Response:
    """What a new callback secret means."""
    return _act(view, config_id, "telephony/rotate.html")


@router.post("/telephony/configurations/{config_id}/rotate")
def rotate(config_id: PathId, view: Admin, overlap_h: Text = "24") -> Response:
    """Make a new callback secret. The answer shows it, this once."""
    hours = overlap_h.strip()
    if not (hours.isascii() and hours.isdigit() and len(hours) < 5):
        raise InvalidInput("the hours of overlap are a whole number, 0 or more", field="overlap_h")
    with view.transaction() as connection:
        visible(view, connection, config_id)
        config, secret = configurations.rotate_callback_secret(
            connection,
            view.runtime.secrets,
            config_id,
            secret=None,
            overlap_s=int(hours) * 3600,
            who=view.caller.name,
        )
    return shown_once(view, config, "telephony.secret_rotated", secret)


@router.get("/telephony/configurations/{config_id}/callback-path")
def show_path(config_id: PathId, view: Admin) -> Response:
    """The form for the secret path of a vendor that cannot sign."""
    return _act(view, config_id, "telephony/callback_path.html")


@router.post("/telephony/configurations/{config_id}/callback-path")
def open_path(config_id: PathId, view: Admin, addresses: Text = "") -> Response:
    """Make a new secret path; one from before is no longer valid. The answer shows it, this once."""
    with view.transaction() as connection:
        visible(view, connection, config_id)
        config, secret = configurations.open_callback_path(
            connection, view.runtime.secrets, config_id, addresses.replace(",", " ").split(), who=view.caller.name
        )
    whole = f"{view.runtime.settings.address}{CALLBACK}/{secret}"
    return shown_once(view, config, "telephony.path_opened", whole)


@router.post("/telephony/configurations/{config_id}/callback-path/close")
def close_path(config_id: PathId, view: Admin) -> Response:
    """Take signed callbacks alone."""
    with view.transaction() as connection:
        visible(view, connection, config_id)
        configurations.close_callback_path(connection, view.runtime.secrets, config_id, who=view.caller.name)
    return view.done("telephony.path_closed", back=f"{BACK}/{config_id}")


@router.get("/telephony/configurations/{config_id}/delete")
def show_delete(config_id: PathId, view: Admin) -> Response:
    """What a deletion takes away."""
    return _act(view, config_id, "telephony/delete_configuration.html")


@router.post("/telephony/configurations/{config_id}/delete")
def delete(config_id: PathId, view: Admin, reason: Text = "") -> Response:
    """Delete it with its extensions; refused while a call is open."""
    why = needed_reason(reason)
    with view.transaction() as connection:
        config = visible(view, connection, config_id)
        configurations.delete(connection, view.runtime.secrets, config_id, reason=why, who=view.caller.name)
    return view.done("telephony.configuration_deleted", back=BACK, name=config.name)


def visible(view: View, connection: sa.Connection, config_id: int) -> Config:
    """The configuration, secrets masked. Raises `NotFound`, also for another tenant's."""
    config = configurations.find(connection, view.runtime.secrets, config_id)
    view.caller.require_visible(config.tenant_id, "Infinity configuration")
    return config


def shown_once(view: View, config: Config, title: str, secret: str) -> Response:
    """The page that shows what is shown only once; `title` is a key of the catalogue."""
    return view.page("telephony/shown_once.html", config=config, title=view.t(title), secret=secret)


def _act(view: View, config_id: int, template: str) -> Response:
    with view.transaction() as connection:
        config = visible(view, connection, config_id)
        (pool,) = pool_store.statistics(connection, days.now(), config_id=config_id)
    return view.page(template, config=config, pool=pool)


def _limits(connection: sa.Connection, config: Config) -> Sequence[Limit]:
    used = limit_store.busiest_collector(connection, config.tenant_id, days.now())
    return [Limit(name, getattr(config, name), getattr(used, name)) for name in LIMITS]


def _stored(view: View, config_id: int) -> tuple[Config, Account]:
    with view.transaction() as connection:
        config = visible(view, connection, config_id)
        return config, trying.stored_account(connection, view.runtime.secrets, config_id, by=view.caller.name)
