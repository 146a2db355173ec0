"""Who is behind `robot:GROUP` and `user:CONTACT`: the settings' robot keys and user ids, read when a message is sent."""

from __future__ import annotations

from collections.abc import Mapping

from calling_pipeline.notifications.outbox.delivery import Send
from calling_pipeline.vendors.wecom import SendResult, WeCom


def sender(wecom: WeCom, robots: Mapping[str, str], users: Mapping[str, str]) -> Send:
    """Sends a body to a receiver by its name; a name the settings do not know is refused and can be redriven later."""

    async def send(receiver: str, body: str) -> SendResult:
        kind, _, name = receiver.partition(":")
        if kind == "robot":
            key = robots.get(name)
            return await wecom.send_to_robot(key, body) if key else _unknown_name(name, "CALLING_WECOM_ROBOTS")
        user = users.get(name)
        return await wecom.send_to_user(user, body) if user else _unknown_name(name, "CALLING_WECOM_USERS")

    return send


def _unknown_name(name: str, setting: str) -> SendResult:
    return SendResult("refused", f"{setting} knows no {name}; add it and redrive")
