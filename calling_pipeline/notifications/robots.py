"""The receivers of messages: the robots and contacts that the settings know, how each does, and which are missing.

Keys and user ids stay in the settings: here are names only.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import HELD, HeldGroup, LaneUse, MessageState
from calling_pipeline.notifications.outbox.store import ROBOT, USER
from calling_pipeline.notifications.outboxes import OUTBOXES

ROBOTS_SETTING, USERS_SETTING = "CALLING_WECOM_ROBOTS", "CALLING_WECOM_USERS"
_NOBODY = re.compile(r"no (?P<what>robot|contact) (?:called|for) (?P<name>.+); set (?P<setting>CALLING_WECOM_\w+)")


@dataclass(frozen=True)
class ReceiverState:
    """One receiver over both outboxes, as `robot:GROUP` or `user:CONTACT`.

    `rate`: messages per minute that are sent to it at most, None without a limit. `recent`: sent within the last minute;
    `made`: state → messages of the last 24 hours. `held`: state → messages that wait for a person. `errors`: what they and
    the oldest waiting message were answered. `known`: the settings name it.
    """

    receiver: str
    known: bool
    rate: int | None
    waiting: int
    recent: int
    made: Mapping[MessageState, int]
    held: Mapping[MessageState, int]
    last_delivered_at: dt.datetime | None
    errors: tuple[str, ...]

    @property
    def name(self) -> str:
        """The group or contact."""
        return self.receiver.partition(":")[2]

    @property
    def is_robot(self) -> bool:
        """Whether it is a group's robot."""
        return self.receiver.startswith(ROBOT)


@dataclass(frozen=True)
class MissingReceiver:
    """A receiver that something needs and the settings do not name.

    `what` is robot or contact; `name` the group, contact or city. `needed_by`: `lines` of ledgers, `messages` in an outbox,
    or a `campaign`; `count` how many.
    """

    what: str
    name: str
    setting: str
    needed_by: str
    count: int


def receiver_states(connection: sa.Connection, deps: NotificationDependencies) -> list[ReceiverState]:
    """Every receiver that the settings name or a message was made for: robots first, by name."""
    now = days.now()
    lanes: dict[str, list[LaneUse]] = {}
    held: dict[str, list[HeldGroup]] = {}
    for outbox in OUTBOXES.values():
        for lane in outbox.use(connection, now):
            lanes.setdefault(lane.receiver, []).append(lane)
        for group in outbox.held_groups(connection):
            held.setdefault(group.receiver, []).append(group)
    known = _known(deps)
    found = [
        _state(name, name in known, lanes.get(name, ()), held.get(name, ()), deps.rate)
        for name in {*known, *lanes}
        if name in known or _is_used(lanes[name], held.get(name, ()))
    ]
    return sorted(found, key=lambda state: (not state.is_robot, state.name))


def missing_receivers(connection: sa.Connection, deps: NotificationDependencies) -> list[MissingReceiver]:
    """Receivers to add to the settings, and what waits for each."""
    lines = [line.reason for _, line in rows.parked(connection) if line.needs == "receiver"]
    known = _known(deps)
    waiting: dict[str, int] = {}
    for outbox in OUTBOXES.values():
        for lane in outbox.lanes(connection, days.now()).items():
            receiver, (count, _) = lane
            if count and receiver not in known:
                waiting[receiver] = waiting.get(receiver, 0) + count
        for group in outbox.held_groups(connection):
            if group.state == "dead" and group.receiver not in known:
                waiting[group.receiver] = waiting.get(group.receiver, 0) + group.messages
    return [*_of_lines(lines), *_of_messages(waiting), *_of_plan(deps.plan, deps.robots, deps.users)]


def _known(deps: NotificationDependencies) -> set[str]:
    return {*(f"{ROBOT}{name}" for name in deps.robots), *(f"{USER}{name}" for name in deps.users)}


def _is_used(lanes: Collection[LaneUse], held: Collection[HeldGroup]) -> bool:
    return bool(held) or any(lane.waiting or lane.made for lane in lanes)


def _state(receiver: str, known: bool, lanes: Collection[LaneUse], held: Collection[HeldGroup], rate: int) -> ReceiverState:
    made: dict[MessageState, int] = {}
    for lane in lanes:
        for state, count in lane.made.items():
            made[state] = made.get(state, 0) + count
    errors = [*(group.cause for group in held), *(lane.last_error for lane in lanes if lane.last_error)]
    return ReceiverState(
        receiver=receiver,
        known=known,
        rate=rate if rate and receiver.startswith(ROBOT) else None,
        waiting=sum(lane.waiting for lane in lanes),
        recent=max((lane.recent for lane in lanes), default=0),  # one lane serves both outboxes
        made=made,
        held={state: sum(group.messages for group in held if group.state == state) for state in HELD},
        last_delivered_at=max((lane.last_delivered_at for lane in lanes if lane.last_delivered_at), default=None),
        errors=tuple(dict.fromkeys(errors)),
    )


def _of_lines(reasons: Iterable[str]) -> list[MissingReceiver]:
    counted: dict[tuple[str, str, str], int] = {}
    for reason in reasons:
        matched = _NOBODY.fullmatch(reason)
        if matched is not None:
            key = (matched["what"], matched["name"], matched["setting"])
            counted[key] = counted.get(key, 0) + 1
    return [MissingReceiver(*key, "lines", count) for key, count in sorted(counted.items())]


def _of_messages(waiting: Mapping[str, int]) -> list[MissingReceiver]:
    found = []
    for receiver, count in sorted(waiting.items()):
        kind, _, name = receiver.partition(":")
        what, setting = ("robot", ROBOTS_SETTING) if kind == "robot" else ("contact", USERS_SETTING)
        found.append(MissingReceiver(what, name, setting, "messages", count))
    return found


def _of_plan(plan: Plan, robots: Collection[str], users: Collection[str]) -> list[MissingReceiver]:
    """What the campaigns file names and the settings do not."""
    groups = [*(one.group for one in plan.campaign), plan.technicians.group]
    contacts = [*(one.contact for one in plan.campaign), plan.technicians.contact, *plan.technicians.companies.values()]
    lacking = [("robot", ROBOTS_SETTING, name) for name in groups if name and name not in robots]
    lacking += [("contact", USERS_SETTING, name) for name in contacts if name and name not in users]
    counted = {one: lacking.count(one) for one in lacking}
    return [
        MissingReceiver(what, name, setting, "campaign", count) for (what, setting, name), count in sorted(counted.items())
    ]
