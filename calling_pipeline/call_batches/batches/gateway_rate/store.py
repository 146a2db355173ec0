"""SQL of the gateway account's rate: one for all batches and processes, reserved for a chunk of calls at a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.call_batches.batches.gateway_rate.tables import gateway_shares
from calling_pipeline.database.sql import load

RESERVE = load("call_batches/batches/gateway_rate/reserve")

ALIVE_S = 5.0
"""A batch that reserved nothing for so long, and for several of its calls' time, has no share of the rate."""
FURTHEST_S = 60.0
"""No reservation is made so far ahead, and several calls' time of each batch."""
EXACTNESS = 0.99
"""Reservations are made at this share of the rate: a send is a little late at times, and the next is not."""
KEPT = dt.timedelta(days=1)
_SEVERAL = 8


@dataclass(frozen=True)
class Reservation:
    """`wait_s` from now the first of some sends is due, the others at `interval_s`; `batches` share the account now."""

    wait_s: float
    interval_s: float
    batches: int


def reserve(connection: sa.Connection, account: str, rate_per_s: float, batch_id: int, count: int) -> Reservation:
    """Reserve `count` sends of an account for a batch, in the caller's transaction."""
    interval_s = 1 / (EXACTNESS * rate_per_s)
    length_s = count * interval_s
    values = {
        "account": account,
        "batch_id": batch_id,
        "length_s": length_s,
        "alive_s": ALIVE_S + _SEVERAL * interval_s,
        "horizon_s": FURTHEST_S + _SEVERAL * length_s,
    }
    row = connection.execute(RESERVE, values).one()
    return Reservation(max(0.0, row.wait_s), interval_s, row.batches)


def forget(connection: sa.Connection, batch_id: int, now: dt.datetime) -> None:
    """The batch shares no rate any more; nor do those that ended without saying so."""
    shares = gateway_shares.c
    ended = sa.or_(shares.batch_id == batch_id, shares.reserved_at < now - KEPT)
    connection.execute(sa.delete(gateway_shares).where(ended))
