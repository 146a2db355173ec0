"""`/stats/agents`: the ranking of agents over a day or a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.call_stats.ranges import store as ranges
from calling_pipeline.call_stats.ranges.records import AgentTotal
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.stats.asked import RANGES, span_of, up_to_today
from calling_pipeline.console.views import View, viewing

router = APIRouter(tags=["statistics"])
Viewer = Annotated[View, Depends(viewing("viewer", "statistics"))]
_MOST = 10_000
_ORDERS: Mapping[str, Callable[[AgentTotal], float]] = {
    "position": lambda one: one.position,
    "days": lambda one: one.days,
    "calls": lambda one: one.calls,
    "connected": lambda one: one.connected,
    "connected_rate": lambda one: one.connected / one.calls if one.calls else 0,
    "talk_s": lambda one: one.talk_s,
    "grade_9": lambda one: one.grade_9,
    "grade_1": lambda one: one.grade_1,
    "orders": lambda one: one.orders,
    "order_rate": lambda one: one.orders / one.calls if one.calls else 0,
}


@router.get("/stats/agents")
def agents(view: Viewer) -> Response:
    """The agents of a day or a range, as far as the caches are kept; without any, of the last seven days."""
    wanted = asked(view.request, sorts=tuple(_ORDERS), default_sort="position")
    with view.transaction() as connection:
        span = span_of(connection, view.request.query_params, view.runtime.settings.partition_start, days_back=6)
        found = ranges.agents_of(connection, span.first, span.last, limit=_MOST)
    name = wanted.filters.get("agent", "").casefold()
    names = view.runtime.settings.agent_names
    if name:
        found = [one for one in found if name in one.agent_id.casefold() or name in names.get(one.agent_id, "").casefold()]
    found.sort(key=_ORDERS[wanted.sort], reverse=wanted.descending)
    rows = listing(
        view, "agents", "stats", wanted, _columns(view), lambda limit, offset: (found[offset : offset + limit], len(found))
    )
    if isinstance(rows, Response):
        return rows
    links = [(count, up_to_today(count, span.today).replace("/stats?", "/stats/agents?")) for count in RANGES[:2]]
    return view.page("stats/agents.html", agents=rows, span=span, ranges=links)


def _columns(view: View) -> Sequence[Column[AgentTotal]]:
    names = view.runtime.settings.agent_names
    return (
        Column("position", lambda one: one.position, sorts=True, number=True),
        Column("agent_name", lambda one: names.get(one.agent_id) or one.agent_id or view.t("stats.no_agent")),
        Column("agent_id", lambda one: one.agent_id or None, wide=True),
        Column("days", lambda one: one.days, sorts=True, number=True, wide=True),
        Column("orders", lambda one: one.orders, sorts=True, number=True),
        Column("calls", lambda one: one.calls, sorts=True, number=True),
        Column("connected", lambda one: one.connected, sorts=True, number=True, wide=True),
        Column("connected_rate", lambda one: _share(one.connected, one.calls), sorts=True, number=True, wide=True),
        Column("talk_s", lambda one: one.talk_s, sorts=True, number=True, wide=True),
        Column("grade_9", lambda one: one.grade_9, sorts=True, number=True, wide=True),
        Column("grade_1", lambda one: one.grade_1, sorts=True, number=True, wide=True),
        Column("order_rate", lambda one: _share(one.orders, one.calls), sorts=True, number=True, wide=True),
    )


def _share(part: int, whole: int) -> float | None:
    """In percent, two decimals."""
    return round(100 * part / whole, 2) if whole else None
