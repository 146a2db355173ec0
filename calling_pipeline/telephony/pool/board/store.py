"""SQL of the board and the list of extensions. It reads and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import fields

import sqlalchemy as sa

from calling_pipeline.database.sql import load, statement_of
from calling_pipeline.telephony.pool.board.records import Shown, Tile
from calling_pipeline.telephony.tenants.store import beginning_pattern

_TILES = statement_of("telephony/pool/board/tiles")
_ORDERS: Mapping[str, str] = {
    "number": "length(t.number) {way}, t.number {way}",
    "state": "t.shown {way}, length(t.number), t.number",
    "holder": "t.holder {way} NULLS LAST, t.number",
    "since": "t.allocated_at {way} NULLS LAST, t.number",
    "failures": "t.failures {way}, t.number",
    "last_used": "t.last_used_at {way} NULLS LAST, t.number",
}
SORTS = tuple(_ORDERS)
"""By what the extensions can be ordered."""
_PAGES = {
    (name, descending): load(
        "telephony/pool/board/page",
        tiles=_TILES,
        order=f"t.tenant_id, {order}, t.id".format(way="DESC" if descending else "ASC"),
    )
    for name, order in _ORDERS.items()
    for descending in (False, True)
}
_NAMES = tuple(field.name for field in fields(Tile))


def page(
    connection: sa.Connection,
    now: dt.datetime,
    *,
    tenant_id: int | None = None,
    config_id: int | None = None,
    extension_id: int | None = None,
    shown: Collection[Shown] = (),
    number: str | None = None,
    sort: str = "number",
    descending: bool = False,
    limit: int = 500,
    offset: int = 0,
) -> tuple[list[Tile], int]:
    """Extensions at the instant `now`, and how many there are; 0 on a page beyond the last. `number`: how it begins."""
    values = {
        "now": now,
        "tenant_id": tenant_id,
        "config_id": config_id,
        "extension_id": extension_id,
        "number": beginning_pattern(number),
        "shown": list(shown),
        "limit": limit,
        "offset": offset,
    }
    rows = connection.execute(_PAGES[sort, descending], values).all()
    found = [Tile(**{name: row._mapping[name] for name in _NAMES}) for row in rows]
    return found, rows[0].found if rows else 0


def find(connection: sa.Connection, now: dt.datetime, extension_id: int) -> Tile | None:
    """One extension at the instant `now`."""
    rows, _ = page(connection, now, extension_id=extension_id, limit=1)
    return rows[0] if rows else None
