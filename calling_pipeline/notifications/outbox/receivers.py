"""Who is behind `robot:GROUP` and `user:CONTACT`: the settings' robot keys and user ids, read when a message is sent."""

from __future__ import annotations

from collections.abc import Mapping

from calling_pipeline.notifications.outbox.delivery import Send
from calling_pipeline.vendors.wecom import Verdict, WeCom


def sender(wecom: WeCom, robots: Mapping[str, str], users: Mapping[str, str]) -> Send:
    """Sends a body to a receiver by its name; a name the settings do not know is refused and can be redriven later."""

    async def send(receiver: str, body: str) -> Verdict:
        kind, _, name = receiver.partition(":")
        if kind == "robot":
            key = robots.get(name)
            return await wecom.send_to_robot(key, body) if key else _nobody(name, "CALLING_WECOM_ROBOTS")
        user = users.get(name)
        return await wecom.send_to_user(user, body) if user else _nobody(name, "CALLING_WECOM_USERS")

    return send


def _nobody(name: str, setting: str) -> Verdict:
    return Verdict("refused", f"{setting} knows no {name}; add it and redrive")
