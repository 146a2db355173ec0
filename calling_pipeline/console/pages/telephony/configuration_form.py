"""The form of a configuration: every field, secrets that are only written, and a test before anything is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import FormData

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.pages.telephony.common import Admin, chosen_tenant, tenants_to_choose, whole_number
from calling_pipeline.console.pages.telephony.configurations import BACK, shown_once, visible
from calling_pipeline.console.views import View
from calling_pipeline.contact_policy.presets import PRESETS
from calling_pipeline.errors import CallingError, InvalidInput
from calling_pipeline.phones import NUMBER_KINDS
from calling_pipeline.telephony.dependencies import infinity_client
from calling_pipeline.telephony.records import STRATEGIES, Account, Config
from calling_pipeline.telephony.tenants import accounts, configurations, trying
from calling_pipeline.telephony.tenants.settings import CALL_LIMITS, DEFAULTS, check_address
from calling_pipeline.vendors.url_guard import Reach

router = APIRouter(tags=["telephony"])
NUMBERS = ("max_concurrent_calls", "ring_timeout_s", "cool_down_s", "quarantine_after", "quarantine_s")
TEXTS = ("name", "api_url", "app_id", "strategy", "caller_range_start", "caller_range_end")
OWN_RULES = ("preset", "countries", "number_kinds")
"""Keys of `contact_rules` that have a field of their own; the others are edited as JSON."""


@router.get("/telephony/configurations/new")
def show_new(view: Admin) -> Response:
    """The form of a new configuration."""
    return _form(view, None)


@router.post("/telephony/configurations/new")
async def create(view: Admin) -> Response:
    """Make it. The answer shows the callback secret, this once."""
    form = await view.request.form()
    return await asyncio.to_thread(_create, view, form)


@router.post("/telephony/configurations/test")
async def test_new(view: Admin) -> Response:
    """Log in with what is in the form; nothing of it is kept."""
    return await _tested(view, None)


@router.get("/telephony/configurations/{config_id}/edit")
def show_edit(config_id: PathId, view: Admin) -> Response:
    """The form with what is stored; a secret's field is empty and stays as it is when left so."""
    with view.transaction() as connection:
        config = visible(view, connection, config_id)
    return _form(view, config)


@router.post("/telephony/configurations/{config_id}/edit")
async def change(config_id: PathId, view: Admin) -> Response:
    """Change it."""
    form = await view.request.form()
    return await asyncio.to_thread(_change, view, config_id, form)


@router.post("/telephony/configurations/{config_id}/edit/test")
async def test_changed(config_id: PathId, view: Admin) -> Response:
    """Log in with what is in the form, with the stored key where none is given; nothing of it is kept."""
    return await _tested(view, config_id)


def _create(view: View, form: FormData) -> Response:
    tenant = view.caller.own_tenant(whole_number(_text(form, "tenant_id"), "tenant_id"))
    values = values_of(form)
    check_address(values["api_url"], Reach.of(view.runtime.settings))
    with view.transaction() as connection:
        made, secret = configurations.create(connection, view.runtime.secrets, tenant, values, who=view.caller.name)
    return shown_once(view, made, "telephony.configuration_created", secret)


def _change(view: View, config_id: int, form: FormData) -> Response:
    values = values_of(form)
    check_address(values["api_url"], Reach.of(view.runtime.settings))
    with view.transaction() as connection:
        visible(view, connection, config_id)
        after = configurations.change(connection, view.runtime.secrets, config_id, values, who=view.caller.name)
    return view.done("telephony.configuration_changed", back=f"{BACK}/{config_id}", name=after.name)


def _form(view: View, config: Config | None) -> Response:
    rules: Mapping[str, Any] = config.contact_rules if config else {}
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page(
        "telephony/configuration_form.html",
        config=config,
        values=config or _Defaults(),
        tenant=config.tenant_id if config else chosen_tenant(view),
        tenants=tenants,
        strategies=STRATEGIES,
        numbers=NUMBERS,
        call_limits=CALL_LIMITS,
        presets=PRESETS,
        kinds=NUMBER_KINDS,
        rules=rules,
        more_rules=_json({key: value for key, value in rules.items() if key not in OWN_RULES}),
    )


async def _tested(view: View, config_id: int | None) -> Response:
    """The outcome beside the form. Every failure is one, also an address that no configuration may have."""
    form = await view.request.form()
    if config_id is not None:
        await asyncio.to_thread(_require_visible, view, config_id)
    try:
        account = await asyncio.to_thread(_account, view, form, config_id)
        reach = Reach.of(view.runtime.settings)
        tested = await trying.try_account(lambda one: infinity_client(view.runtime, one), reach, account)
    except CallingError as error:
        tested = accounts.Tested(False, 0, str(error))
    return view.page("telephony/test.html", config=None, tested=tested)


def _account(view: View, form: FormData, config_id: int | None) -> Account:
    values = {name: _text(form, name) for name in trying.NEEDED}
    with view.transaction() as connection:
        return trying.account_to_try(connection, view.runtime.secrets, values, config_id=config_id, by=view.caller.name)


def _require_visible(view: View, config_id: int) -> None:
    with view.transaction() as connection:
        visible(view, connection, config_id)


def values_of(form: FormData) -> dict[str, Any]:
    """What the form sends as the room takes it. An empty secret is left out: it stays as it is. Raises `InvalidInput`."""
    values: dict[str, Any] = {name: _text(form, name) for name in TEXTS}
    values |= {name: _number(form, name) for name in (*NUMBERS, *CALL_LIMITS)}
    values["caller_numbers"] = _text(form, "caller_numbers").replace(",", " ").split()
    values["contact_rules"] = _rules(form)
    values["enabled"] = bool(_text(form, "enabled"))
    key = _text(form, "access_key")
    return values | ({"access_key": key} if key else {})


def _rules(form: FormData) -> dict[str, Any]:
    text = _text(form, "more_rules")
    try:
        rules = json.loads(text) if text else {}
    except ValueError as error:
        raise InvalidInput(f"other rules are no JSON: {error}", field="more_rules") from error
    if not isinstance(rules, dict):
        raise InvalidInput('other rules are written as {"hours": "09:00-20:00"}', field="more_rules")
    rules = {key: value for key, value in rules.items() if key not in OWN_RULES}
    if preset := _text(form, "preset"):
        rules["preset"] = preset
    for name, every, given in (
        ("countries", "every_country", _text(form, "countries").upper().replace(",", " ").split()),
        ("number_kinds", "every_kind", [str(one) for one in form.getlist("number_kinds")]),
    ):
        if _text(form, every):
            rules[name] = None
        elif given:
            rules[name] = given
    return rules


def _number(form: FormData, name: str) -> int:
    """A whole number; empty is 0, which for a limit of calls means none."""
    text = _text(form, name)
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput(f"{name} must be a whole number, 0 or more", field=name)
    return int(text or 0)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) if value else ""


class _Defaults:
    """The fields of a new configuration by name, as a template reads those of a stored one."""

    def __getattr__(self, name: str) -> Any:
        if name in DEFAULTS:
            return DEFAULTS[name]
        if name in ("api_url", "app_id"):
            return ""
        raise AttributeError(name)
