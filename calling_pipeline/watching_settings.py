"""The settings of those who watch: alerts, metrics, traces, logs and the heartbeat; part of `settings.Settings`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings


def _web_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value


def _plain_web_address(value: str) -> str:
    return _web_address(SecretStr(value)).get_secret_value().rstrip("/")


def _own_network(value: str) -> str:
    network = ipaddress.ip_network(value)
    if not (network.is_loopback or network.is_private or network.is_link_local):
        raise ValueError("must be an address or a network of your own, none of the public internet")
    return value


class WatchingSettings(BaseSettings):
    """One field a setting, as in `settings.Settings`."""

    metrics_open: list[Annotated[str, AfterValidator(_own_network)]] = Field(
        default_factory=list,
        description="JSON list: addresses or networks of your own from which `/metrics` is read without a token, e.g."
        " `127.0.0.1`; unset: none",
    )
    alert_urls: str = Field(
        "", repr=False, description="Apprise URLs, separated by commas or blanks; empty: alerts stay in the table"
    )
    heartbeat_url: Annotated[SecretStr, AfterValidator(_web_address)] | None = Field(
        None,
        description="Address of an outside watcher that is asked for every 5 minutes while all is well, so that it alarms"
        " when it hears nothing; unset: none",
    )
    traces_url: Annotated[str, AfterValidator(_plain_web_address)] | None = Field(
        None,
        description="Base address of an OpenTelemetry collector (OTLP over HTTP, e.g. `http://127.0.0.1:4318`) that gets"
        " traces; unset: none are made (install the extra `traces`)",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of log lines of every process: `text`, or `json` with one object a line"
    )
