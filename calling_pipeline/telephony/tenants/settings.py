"""The settings of a configuration: defaults, limits, and what is checked before they are kept."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.records import STRATEGIES
from calling_pipeline.telephony.tenants import numbers
from calling_pipeline.telephony.tenants.accounts import SECRETS
from calling_pipeline.vendors.url_guard import Reach, checked_url, require_public

NEW_ADDRESS = "api_url: enter access_key again with the new address, or the key would be sent to somebody else's server"
CALL_LIMITS = ("calls_per_hour", "calls_per_day", "collector_calls_per_hour", "collector_calls_per_day")
_MOST_CALLS = 1_000_000
DEFAULTS: Mapping[str, Any] = {
    "name": "main",
    "enabled": True,
    "strategy": "lru",
    "max_concurrent_calls": 100,
    "ring_timeout_s": 60,
    "cool_down_s": 0,
    "quarantine_after": 5,
    "quarantine_s": 1800,
    "caller_numbers": [],
    "caller_range_start": None,
    "caller_range_end": None,
    "contact_rules": {},
    **dict.fromkeys(CALL_LIMITS),
}
_LIMITS = {
    "max_concurrent_calls": (1, 1000),
    "ring_timeout_s": (10, 300),
    "cool_down_s": (0, 86_400),
    "quarantine_after": (0, 1000),
    "quarantine_s": (0, 30 * 86_400),
}


def check_address(api_url: str, reach: Reach, *, patience_s: float = 3.0) -> None:
    """Refuse, already when it is entered, an address in a private network or one without encryption (`InvalidInput`).

    The access key travels in every request. A name that does not resolve now may be entered: every connection is judged
    again when it is made.
    """
    url = checked_url(api_url)
    if reach.exempts(url):
        return
    if not url.startswith("https://"):
        raise InvalidInput("api_url must begin with https://: the access key is sent there", field="api_url")

    async def judge() -> None:
        try:
            await asyncio.wait_for(require_public(url), patience_s)
        except TimeoutError:
            return

    try:
        asyncio.run(judge())
    except InvalidInput as error:
        if "resolved" not in str(error):
            raise


def columns_of(given: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as checked columns. Raises `InvalidInput`, which names the field.

    `whole` is the configuration as it will be: rules that concern several fields look at it.
    """
    columns = {name: given[name] for name in DEFAULTS if name in given}
    for name, (least, most) in _LIMITS.items():
        if name in given and not least <= given[name] <= most:
            raise InvalidInput(f"{name} must lie between {least} and {most}", field=name)
    for name in CALL_LIMITS:
        if given.get(name) is not None:
            columns[name] = _limit(given[name], name)
    for name in ("name", "app_id", *SECRETS):
        if given.get(name) is not None:
            columns |= {name: _short(given[name], name)} if name not in SECRETS else {}
            _short(given[name], name)
    if "strategy" in given and given["strategy"] not in STRATEGIES:
        raise InvalidInput(f"strategy must be one of {', '.join(STRATEGIES)}", field="strategy")
    if "api_url" in given:
        columns["api_url"] = checked_url(given["api_url"])
    if "caller_numbers" in given:
        columns["caller_numbers"] = numbers.caller_numbers(given["caller_numbers"])
    if "contact_rules" in given:
        _check_rules(given["contact_rules"])
    ends = numbers.caller_range(whole.get("caller_range_start") or None, whole.get("caller_range_end") or None)
    columns["caller_range_start"], columns["caller_range_end"] = ends or (None, None)
    return columns


def _check_rules(document: Mapping[str, Any]) -> None:
    try:
        policy_from(document)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput("contact_rules cannot be read; see the contact policy's keys", field="contact_rules") from error


def _short(value: str, field: str) -> str:
    text = value.strip()
    if not text or len(text) > 200 or not text.isprintable():
        raise InvalidInput(f"{field} must have 1 to 200 printable characters", field=field)
    return text


def _limit(value: int, field: str) -> int | None:
    """A limit of calls; 0 takes it away."""
    if not 0 <= value <= _MOST_CALLS:
        raise InvalidInput(f"{field} must lie between 1 and {_MOST_CALLS}, or be 0 for no limit", field=field)
    return value or None


def networks_of(addresses: Sequence[str]) -> list[str]:
    """Addresses and networks in their usual form, each once. Raises `InvalidInput` for none, and for what is neither."""
    if not addresses:
        raise InvalidInput("name the addresses from which callbacks come", field="addresses")
    try:
        networks = [str(ipaddress.ip_network(address.strip())) for address in addresses]
    except ValueError as error:
        raise InvalidInput(f"addresses: {error}; write 203.0.113.7 or 203.0.113.0/24", field="addresses") from error
    if any(ipaddress.ip_network(network).prefixlen == 0 for network in networks):
        raise InvalidInput("addresses: a network of all addresses protects nothing", field="addresses")
    return list(dict.fromkeys(networks))
