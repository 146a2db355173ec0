"""Sends what is due to every channel: claimed and committed first, sent second, the result committed at once.

A process that is killed while it sends leaves an orphaned claim: the alert may have arrived. An alert must not be lost,
so this one is sent again and says that it may be a repeat; every other alert arrives once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import addresses
from calling_pipeline.alerts import store
from calling_pipeline.alerts.channels import Channel
from calling_pipeline.alerts.records import Delivery
from calling_pipeline.alerts.texts import KINDS, address
from calling_pipeline.alerts.texts import message as message_text

ROUND = 200
SINGLE_MESSAGES = 9
"""Messages one channel gets per round before the rest are joined into one (robots allow 20 per minute)."""
REPEAT_NOTE = "(an earlier attempt was cut off; you may have seen this already)"


@dataclass(frozen=True)
class Round:
    """Deliveries of one round."""

    arrived: int = 0
    postponed: int = 0


@dataclass(frozen=True)
class Places:
    """Where people open the console and the Dagster UI: what messages lead to."""

    console: str
    dagster: str


Say = Callable[[str], str]
"""Gives an English sentence of ours in the language of the channels."""


def try_channels(channels: Sequence[Channel], *, say: Say = str) -> dict[str, bool]:
    """Send a test message to every channel; whether each accepted it. Blocks for some seconds per channel at most."""
    return {
        channel.id: channel.send(say("Test of calling_pipeline"), say("This channel gets its alerts."), "info")
        for channel in channels
    }


def deliver_due(engine: sa.Engine, channels: Sequence[Channel], *, places: Places | None = None, say: Say = str) -> Round:
    """Send every alert that is due to every channel, oldest first. Several processes may do so at once.

    A message has what to do and, with `places`, where to look.
    """
    if not channels:
        return Round()
    arrived = postponed = 0
    with engine.begin() as connection:
        store.plan_deliveries(connection, [channel.id for channel in channels])
    for channel in channels:
        with engine.begin() as connection:
            claimed = store.claim_deliveries(connection, [channel.id], limit=ROUND)
        for message in _messages(claimed):
            ok = _send(channel, message, places, say)
            with engine.begin() as connection:
                for delivery in message:
                    store.settle_delivery(connection, delivery, arrived=ok)
            arrived += len(message) * ok
            postponed += len(message) * (not ok)
    return Round(arrived, postponed)


def _messages(claimed: Sequence[Delivery]) -> list[list[Delivery]]:
    """One message per alert; when there are many, the last message holds all that are left."""
    if len(claimed) <= SINGLE_MESSAGES + 1:
        return [[delivery] for delivery in claimed]
    return [*([delivery] for delivery in claimed[:SINGLE_MESSAGES]), list(claimed[SINGLE_MESSAGES:])]


def _send(channel: Channel, message: Sequence[Delivery], places: Places | None, say: Say) -> bool:
    first = message[0]
    if len(message) == 1:
        return channel.send(say(first.title), _text(first, places, say), first.severity)
    worst = max((delivery.severity for delivery in message), key=["info", "warning", "error"].index)
    lines = [f"• [{say(one.severity)}] {say(one.title)}{' ' + say(REPEAT_NOTE) if one.repeat else ''}" for one in message]
    return channel.send(say(f"{len(message)} more alerts"), "\n".join(lines), worst)


def _text(delivery: Delivery, places: Places | None, say: Say) -> str:
    advise = delivery.severity != "info" and delivery.kind != ""
    where = _where(delivery, places, say) if places else ()
    text = message_text(delivery.text, kind=delivery.kind, advise=advise, where=where, say=say)
    return f"{text}\n{say(REPEAT_NOTE)}" if delivery.repeat else text


def _where(delivery: Delivery, places: Places, say: Say) -> Sequence[str]:
    """The console's page of what is wrong; the Dagster UI's beside it where it shows the very thing; the runbook."""
    one = len(delivery.about) == 1
    found = [f"{places.console}{addresses.of_alert(delivery.about[0]) if one else addresses.ALERTS}"]
    if delivery.link:
        found.append(address(places.dagster, delivery.kind, delivery.link))
    if delivery.kind in KINDS and delivery.severity != "info":
        found.append(f"{say('Runbook:')} {places.console}{addresses.of_runbook(delivery.kind)}")
    return found
