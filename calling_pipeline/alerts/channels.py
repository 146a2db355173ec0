"""The channels that alerts are sent to: one Apprise URL each (WeCom, DingTalk, Feishu, e-mail, …)."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from calling_pipeline.alerts.records import Severity
from calling_pipeline.centres import announced
from calling_pipeline.errors import ConfigurationError

_APPRISE_TYPES: dict[Severity, str] = {"info": "info", "warning": "warning", "error": "failure"}

logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its log lines carry addresses and keys


@dataclass(frozen=True)
class Channel:
    """`id` names a channel in the database without showing its URL; titles name the `centre` that speaks."""

    id: str
    url: str = field(repr=False)
    centre: str = ""

    def send(self, title: str, text: str, severity: Severity) -> bool:
        """Send one message to the channel; True when it was accepted. Blocks for some seconds at most."""
        return bool(
            _sender(self.url).notify(title=announced(self.centre, title), body=text, notify_type=_APPRISE_TYPES[severity])
        )


def parse_channels(urls: str, *, centre: str = "") -> list[Channel]:
    """Channels of `CALLING_ALERT_URLS`, separated by commas or blanks.

    Raises `ConfigurationError`, which names the first one that is not readable, without its secret.
    """
    channels = []
    for number, url in enumerate(filter(None, re.split(r"[\s,]+", urls)), start=1):
        if len(_sender(url)) != 1:
            scheme = url.split("://", maxsplit=1)[0] if "://" in url else "no scheme"
            raise ConfigurationError(
                f"CALLING_ALERT_URLS: entry {number} ({scheme}) is not an Apprise URL; write for example wecombot://KEY"
            )
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        channels.append(Channel(f"{url.split('://', maxsplit=1)[0]}-{digest}", url, centre))
    return channels


def _sender(url: str) -> Any:
    import apprise  # noqa: PLC0415 - 200 ms: only deliveries of alerts need it

    sender = apprise.Apprise()
    sender.add(url)
    return sender
