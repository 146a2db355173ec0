"""What a person decides about held messages: one by one, or many at once after looking at how many and which.

A decision about many is carried out only when as many fit as were seen. Each is one row of the audit log, and shows on the
page of the asset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.notifications.outbox.records import HELD, MessageState, Selection, StoredMessage
from calling_pipeline.notifications.outbox.rounds import close_what_is_settled
from calling_pipeline.notifications.outbox.store import Outbox

SAMPLE = 10
_PAST = {"message.settle": "settled", "message.redrive": "redriven"}
_NOTED = 200
"""Ids that one row of the audit log names."""


@dataclass(frozen=True)
class Decision:
    """What was decided, or with `dry_run` would be: how many messages, their ids, and the first of them.

    `not_done`: ids that were named and are not in a state to decide about.
    """

    dry_run: bool
    ids: tuple[int, ...]
    sample: tuple[StoredMessage, ...]
    not_done: tuple[int, ...] = ()

    @property
    def messages(self) -> int:
        """How many."""
        return len(self.ids)


def settle(
    connection: sa.Connection,
    outbox: Outbox,
    selection: Selection,
    *,
    as_: Settlement,
    by: str,
    why: str,
    dry_run: bool = False,
    expect: int | None = None,
) -> Decision:
    """Say what became of held messages. Raises `InvalidInput` for a state that holds nothing, and what `_decide` raises."""

    def act(ids: list[int]) -> list[int]:
        return outbox.settle(connection, ids, as_=as_, by=by, why=why)

    after = {"as": as_}
    wrong = [state for state in selection.states if state not in HELD]
    if wrong:
        raise InvalidInput(f"{wrong[0]} messages are not held; settle {' or '.join(HELD)} ones", field="state")
    return _decide(connection, outbox, selection, HELD, act, "message.settle", by, why, after, dry_run, expect)


def redrive(
    connection: sa.Connection,
    outbox: Outbox,
    selection: Selection,
    *,
    by: str,
    why: str = "redriven",
    per_minute: int | None = None,
    dry_run: bool = False,
    expect: int | None = None,
) -> Decision:
    """Send dead letters again, in their order; `per_minute` of them become due per minute. Raises what `_decide` raises."""

    def act(ids: list[int]) -> list[int]:
        return outbox.redrive(connection, ids, by=by, why=why, per_minute=per_minute)

    dead = replace(selection, states=("dead",))
    return _decide(connection, outbox, dead, ("dead",), act, "message.redrive", by, why, {}, dry_run, expect)


def _decide(
    connection: sa.Connection,
    outbox: Outbox,
    selection: Selection,
    states: tuple[MessageState, ...],
    act: Callable[[list[int]], list[int]],
    name: str,
    by: str,
    why: str,
    after: Mapping[str, object],
    dry_run: bool,
    expect: int | None,
) -> Decision:
    """Choose, compare with what was expected, act, note.

    Raises `InvalidInput` for a decision about many that was not looked at before, `Conflict` when another number fits now,
    `NotFound` when nothing does.
    """
    if selection.ids is None and expect is None and not dry_run:
        raise InvalidInput("look first with a dry run; then say how many messages you expect", field="expect")
    chosen = outbox.chosen(connection, replace(selection, states=selection.states or states), lock=not dry_run)
    ids = [message_id for message_id, _ in chosen]
    not_done = tuple(sorted(set(selection.ids or ()) - set(ids)))
    sample = tuple(outbox.selected(connection, Selection(tuple(ids[:SAMPLE])), limit=SAMPLE))
    if dry_run:
        return Decision(True, tuple(ids), sample, not_done)
    if expect is not None and len(ids) != expect:
        raise Conflict(f"{len(ids)} messages fit now, not {expect}; look again with a dry run")
    if not ids and not not_done:
        raise NotFound("no message fits")
    done = act(ids) if ids else []
    close_what_is_settled(connection, outbox)
    if done:
        day = days.today() if outbox.asset_has_days else None
        note(connection, outbox.asset, day, by=by, **{_PAST[name]: len(done)})
        subject = f"message:{outbox.about}/{done[0]}" if len(done) == 1 else f"messages:{outbox.about}"
        found = {"states": sorted({state for _, state in chosen}), "cause": selection.cause or ""}
        noted = {**after, "messages": len(done), "ids": done[:_NOTED], "receiver": selection.receiver or ""}
        note_act(connection, name, subject, by=by, reason=why, before=found, after=noted)
    return Decision(False, tuple(done), sample, not_done)
