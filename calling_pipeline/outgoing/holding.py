"""Holding back what goes out, and asking whether it is held.

Each exit asks at the moment of the act, in the transaction that claims it: batches when they start and with every chunk,
clicks when they are opened, messages and mails in the statement that claims them. What was claimed before a hold was placed
is finished.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import InvalidInput
from calling_pipeline.outgoing import store
from calling_pipeline.outgoing.records import ACTS, Act, Hold


def refusal(connection: sa.Connection, act: Act) -> str | None:
    """Why `act` may not happen now, as one sentence; None when it may."""
    return store.first_reason(connection, act)


def hold(
    connection: sa.Connection,
    kind: str,
    reason: str,
    *,
    by: str,
    acts: Collection[Act] = ACTS,
    since: dt.datetime | None = None,
) -> list[Act]:
    """Hold `acts` back until the hold of this `kind` is lifted; returns those that it did not hold before.

    `reason` is what whoever tries is shown: what holds it, and what to do. `since`: from when on it counts, now without.
    Raises `InvalidInput` without a reason.
    """
    if not reason.strip():
        raise InvalidInput("say in a reason why nothing may go out", field="reason")
    placed = store.add(connection, kind, acts, since=since or days.now(), reason=reason, by=by)
    if placed:
        note_act(connection, "outgoing.hold", f"hold:{kind}", by=by, reason=reason, after={"acts": sorted(placed)})
    return placed


def lift(connection: sa.Connection, kind: str, *, by: str, reason: str = "", acts: Collection[Act] = ACTS) -> list[Act]:
    """Let `acts` happen as far as this hold is concerned; returns those that it held."""
    lifted = store.remove(connection, kind, acts)
    if lifted:
        note_act(connection, "outgoing.lift", f"hold:{kind}", by=by, reason=reason, before={"acts": sorted(lifted)})
    return lifted


def holds(connection: sa.Connection) -> Sequence[Hold]:
    """Everything that holds something back now."""
    return store.standing(connection)
