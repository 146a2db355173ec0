"""What CALLING_HOME remembers of the example world: whether it is wanted, there, or was removed and must not come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, get_args

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.example import contracts
from calling_pipeline.example.names import CONTACT, LEDGER, ROBOT, folder_of, ledger_of, simulated
from calling_pipeline.settings import Settings

State = Literal["none", "wanted", "seeded", "removed"]
_FILE = "state"


def state_of(settings: Settings) -> State:
    """What is kept; `none` without a note."""
    try:
        text = (folder_of(settings) / _FILE).read_text().strip()
    except OSError:
        return "none"
    return next((state for state in get_args(State) if state == text), "none")


def keep_state(settings: Settings, state: State) -> None:
    """Note it."""
    folder_of(settings).mkdir(parents=True, exist_ok=True)
    (folder_of(settings) / _FILE).write_text(f"{state}\n")


def want(settings: Settings) -> State:
    """Note, before the first start of a new installation, that it gets the example; its state then.

    Only where every vendor is the simulator, CALLING_EXAMPLE is not off, and no database was there before.
    """
    known = state_of(settings)
    fresh = known == "none" and settings.database_url is None and not (settings.home / "postgres").exists()
    if fresh and settings.example and simulated(settings):
        keep_state(settings, "wanted")
        write_ledger(settings)
        return "wanted"
    if known == "removed":
        for file in folder_of(settings).glob(f"{LEDGER}*"):  # nothing is configured to read it any more
            file.unlink(missing_ok=True)
    return known


def environment(settings: Settings) -> Mapping[str, str]:
    """What processes beside this one need to know to deliver the example's contracts, where the user has set nothing."""
    wanted: dict[str, object] = {}
    if not settings.contract_ledgers:
        wanted["CALLING_CONTRACT_LEDGERS"] = [str(ledger_of(settings))]
    if not settings.wecom_robots:
        wanted["CALLING_WECOM_ROBOTS"] = {ROBOT: "example"}
    if not settings.wecom_users:
        wanted["CALLING_WECOM_USERS"] = {CONTACT: "example"}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in wanted.items()}


def as_under_up(settings: Settings) -> Settings:
    """The settings of this process as processes under `up` have them."""
    update: dict[str, object] = {}
    if not settings.contract_ledgers:
        update["contract_ledgers"] = [ledger_of(settings)]
    if not settings.wecom_robots:
        update["wecom_robots"] = {ROBOT: "example"}
    if not settings.wecom_users:
        update["wecom_users"] = {CONTACT: "example"}
    return settings.model_copy(update=update)


def write_ledger(settings: Settings, *, first: int = 1) -> None:
    """Write the example's contract ledger anew, its contracts numbered from `first`."""
    ledger_of(settings).parent.mkdir(parents=True, exist_ok=True)
    ledger_of(settings).write_bytes(contracts.ledger(first))


def require_simulator(settings: Settings) -> None:
    """Raise `ConfigurationError` unless every vendor is the simulator of this machine."""
    if not simulated(settings):
        raise ConfigurationError(
            "the example world is for the vendors' simulator alone, and a setting names another vendor's address; unset"
            " CALLING_GUANKE_BASE_URL, CALLING_GATEWAY_URL, CALLING_WECOM_BASE_URL and CALLING_METABASE_URL to use it"
        )
