"""`/telephony`: the extension pool as a live board, and as a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.telephony.common import (
    Viewer,
    chosen_tenant,
    configurations_to_choose,
    tenants_to_choose,
    whole_number,
)
from calling_pipeline.console.views import View
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.pool.board import store as board_store
from calling_pipeline.telephony.pool.board.records import SHOWN, Shown, Tile
from calling_pipeline.telephony.records import PoolStatistics

router = APIRouter(tags=["telephony"])
FRESH_S = 2.0
MOST_TILES = 500
TONES: Mapping[Shown, str] = {
    "free": "good",
    "cooling": "warn",
    "in_use": "busy",
    "draining": "busy",
    "quarantine": "bad",
    "offline": "quiet",
    "disabled": "quiet",
}
SIGNS: Mapping[Shown, str] = {
    "free": "○",
    "cooling": "◔",
    "in_use": "●",
    "draining": "◑",
    "quarantine": "▲",
    "offline": "×",
    "disabled": "‖",
}
"""Beside the colour, for whoever does not see it."""


@dataclass(frozen=True)
class Pool:
    """One configuration's part of the board."""

    statistics: PoolStatistics
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Wanted:
    """What of the pool is looked at."""

    tenant: int | None
    config: int | None
    states: tuple[Shown, ...]
    number: str


@dataclass(frozen=True)
class Board:
    """The board at an instant; `hidden`: how many extensions there are beyond the most that it shows."""

    pools: Sequence[Pool]
    counts: Mapping[Shown, int]
    total: int
    hidden: int


def holder_of(tile: Tile) -> str | None:
    """Who holds the extension: the collector's number and name."""
    return None if tile.holder is None else f"{tile.holder} {tile.holder_name or ''}".strip()


COLUMNS: Sequence[Column[Tile]] = (
    Column("number", lambda tile: Link(tile.number, f"/telephony/extensions/{tile.id}"), sorts=True),
    Column("label", lambda tile: tile.label or None, wide=True),
    Column("state", lambda tile: State(f"telephony.shown_{tile.shown}", TONES[tile.shown]), sorts=True),
    Column("holder", holder_of, sorts=True),
    Column("since", lambda tile: tile.allocated_at if tile.used else None, sorts=True),
    Column("until", lambda tile: tile.until),
    Column("failures", lambda tile: tile.failures, sorts=True, number=True),
    Column("last_used", lambda tile: tile.last_used_at, sorts=True, wide=True),
    Column("offline_reason", lambda tile: Sentence(tile.offline_reason) if tile.offline_reason else None, wide=True),
    Column("configuration", lambda tile: Link(tile.config_name, f"/telephony/configurations/{tile.config_id}"), wide=True),
    Column("tenant", lambda tile: str(tile.tenant_id), wide=True),
)


@router.get("/telephony")
def show_board(view: Viewer) -> Response:
    """The live board. `tenant`, `config`, `state` and `number` (its beginning) narrow it."""
    wanted = _wanted(view)
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
        configs = configurations_to_choose(connection, wanted.tenant)
    return view.page("telephony/pool.html", tenants=tenants, configs=configs, **_board(view, wanted))


@router.get("/telephony/board")
def refresh_board(view: Viewer) -> Response:
    """The board alone, for the page that refreshes it."""
    return view.page("telephony/board.html", **_board(view, _wanted(view)))


@router.get("/telephony/extensions")
def list_extensions(view: Viewer) -> Response:
    """The same as a list, with order, pages and exports."""
    wanted = _wanted(view)
    order = asked(view.request, sorts=board_store.SORTS, default_sort="number")

    def read(limit: int, offset: int) -> tuple[Sequence[Tile], int]:
        with view.transaction() as connection:
            return board_store.page(
                connection,
                days.now(),
                tenant_id=wanted.tenant,
                config_id=wanted.config,
                shown=wanted.states,
                number=wanted.number or None,
                sort=order.sort,
                descending=order.descending,
                limit=limit,
                offset=offset,
            )

    columns = [column for column in COLUMNS if column.key != "tenant" or wanted.tenant is None]
    found = listing(view, "extensions", "telephony", order, columns, read)
    if isinstance(found, Response):
        return found
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
        configs = configurations_to_choose(connection, wanted.tenant)
    return view.page("telephony/extensions.html", extensions=found, tenants=tenants, configs=configs, states=SHOWN)


def _wanted(view: View) -> Wanted:
    given = view.request.query_params
    state = given.get("state", "")
    if state and state not in SHOWN:
        raise InvalidInput(f"an extension's state is one of {', '.join(SHOWN)}", field="state")
    return Wanted(
        tenant=chosen_tenant(view),
        config=whole_number(given.get("config", ""), "config"),
        states=tuple(one for one in SHOWN if one == state),
        number=given.get("number", "").strip()[:32],
    )


def _board(view: View, wanted: Wanted) -> dict[str, Any]:
    board = view.shared(("telephony board", wanted), FRESH_S, lambda: _read_board(view, wanted))
    query = view.request.url.query
    return {
        "board": board,
        "signs": SIGNS,
        "tones": TONES,
        "states": SHOWN,
        "board_address": "/telephony/board" + (f"?{query}" if query else ""),
    }


def _read_board(view: View, wanted: Wanted) -> Board:
    now = days.now()
    scope: dict[str, Any] = {"tenant_id": wanted.tenant, "config_id": wanted.config}
    with view.transaction() as connection:
        statistics = pool_store.statistics(connection, now, **scope)
        tiles, found = board_store.page(connection, now, **scope, number=wanted.number or None, limit=MOST_TILES)
    counts = Counter(tile.shown for tile in tiles)
    by_config = {one: list(of) for one, of in groupby(sorted(tiles, key=_config_of), key=_config_of)}
    pools = [
        Pool(one, [tile for tile in by_config.get(one.config_id, ()) if tile.shown in (wanted.states or SHOWN)])
        for one in statistics
    ]
    return Board(
        pools=[pool for pool in pools if pool.tiles or not (wanted.states or wanted.number)],
        counts={state: counts[state] for state in SHOWN},
        total=found,
        hidden=max(0, found - len(tiles)),
    )


def _config_of(tile: Tile) -> int:
    return tile.config_id
