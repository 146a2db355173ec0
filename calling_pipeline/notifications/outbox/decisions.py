"""What people decide about messages that are held. Each decision shows on the page of the asset, whichever door took it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import note
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.notifications.outbox.rounds import close_what_is_settled
from calling_pipeline.notifications.outbox.store import Outbox


def redrive(connection: sa.Connection, outbox: Outbox, ids: Sequence[int] | None, *, by: str) -> list[int]:
    """Put dead letters (all when `ids` is None) back into the queue; returns their ids. They were certainly not sent."""
    done = outbox.redrive(connection, ids, by=by)
    _decided(connection, outbox, by, redriven=len(done))
    return done


def settle(
    connection: sa.Connection, outbox: Outbox, ids: Sequence[int] | None, *, as_: Settlement, by: str, why: str
) -> list[int]:
    """Say what became of held messages (of all when `ids` is None); returns the ids that were held."""
    done = outbox.settle(connection, ids, as_=as_, by=by, why=why)
    _decided(connection, outbox, by, settled=len(done))
    return done


def _decided(connection: sa.Connection, outbox: Outbox, by: str, **counts: int) -> None:
    close_what_is_settled(connection, outbox)
    if any(counts.values()):
        note(connection, outbox.asset, days.today() if outbox.asset_has_days else None, by=by, **counts)
