"""`/analysis` and `/analysis/{name}`: figures, pictures and tables of an analysis, each table as CSV and Excel too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.access.people.records import ROOMS_WITH_TENANTS
from calling_pipeline.analysis import wording
from calling_pipeline.analysis.asking import Span, ask, entry_of, open_to, span_of
from calling_pipeline.analysis.records import Analysis, Table
from calling_pipeline.analysis.registry import Entry
from calling_pipeline.console.lists.asked import Asked, asked
from calling_pipeline.console.lists.listing import Listing, listing
from calling_pipeline.console.pages.analysis.shown import columns_of, drawn, figures_of, options_of, ordered
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput

router = APIRouter(tags=["analysis"])
Viewer = Annotated[View, Depends(viewing("viewer", "session"))]
"""Each analysis belongs to a room of its own, which is asked for when it is known which it is."""
RANGES = (7, 31, 90, 400)
_NOT_OPTIONS = ("from", "to", "tenant_id", "table", "sort", "page", "per", "form")


@router.get("/analysis")
def overview(view: Viewer) -> Response:
    """Which analyses there are, for who may read them."""
    return view.page("analysis/overview.html", entries=open_to(view.caller))


@router.get("/analysis/{name}")
def analysis(view: Viewer, name: str) -> Response:
    """One analysis over a range (`from`, `to`; without them 31 days) with its options.

    `table` says which table `sort`, `page` and `form` are about; without it the first.
    """
    entry = entry_of(name, view.caller)
    span, found = _found(view, entry)
    lists = []
    for table in found.tables:
        made = _listed(view, found, table)
        if isinstance(made, Response):
            return made
        lists.append((table, made))
    query = view.request.query_params
    return view.page(
        "analysis/analysis.html",
        entry=entry,
        found=found,
        span=span,
        ranges=_ranges(entry, query),
        options=options_of(view, entry, query),
        with_tenant=entry.room in ROOMS_WITH_TENANTS and view.caller.tenant is None,
        figures=figures_of(view, found),
        notes=[(note, wording.note_said(note, view.language)) for note in found.notes],
        charts=[drawn(one) for one in entry.charts(found, view.language)] if entry.charts else [],
        lists=lists,
    )


def _found(view: View, entry: Entry) -> tuple[Span, Analysis]:
    query, settings = view.request.query_params, view.runtime.settings
    with view.transaction() as connection:
        span = span_of(connection, entry, query.get("from", ""), query.get("to", ""), oldest=settings.partition_start)
        found = ask(
            connection,
            entry,
            span,
            caller=view.caller,
            tenant_id=_tenant(query.get("tenant_id", "")),
            options={key: value for key, value in query.items() if key not in _NOT_OPTIONS and value},
            agent_names=settings.agent_names,
        )
    return span, found


def _listed(view: View, found: Analysis, table: Table) -> Listing[object] | Response:
    """The table as a list: in the order asked for if the address is about it, else as the analysis gave it."""
    meant = view.request.query_params.get("table", "") or found.tables[0].name
    if meant not in [one.name for one in found.tables]:
        raise InvalidInput(f"there is no table {meant[:40]!r} in this analysis", field="table")
    names = tuple(column.name for column in table.columns)
    wanted = asked(view.request, sorts=names) if table.name == meant else _plain(view)
    wanted = replace(wanted, filters={**wanted.filters, "table": table.name})
    rows = ordered(table, wanted.sort, descending=wanted.descending)

    def read(limit: int, offset: int) -> tuple[Sequence[object], int]:
        return rows[offset : offset + limit], len(rows)

    columns = columns_of(view, table, exported=wanted.form != "page")
    return listing(view, f"{found.name}-{table.name}".replace("_", "-"), "analysis", wanted, columns, read)


def _plain(view: View) -> Asked:
    """The address without what it says of another table."""
    query = view.request.query_params
    kept = {name: value for name, value in query.items() if name not in ("table", "sort", "page", "per", "form") and value}
    return Asked(view.request.url.path, kept, "", False, 1, 50, "page")


def _tenant(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and int(text[:18]) > 0):
        raise InvalidInput("tenant_id is a whole number from 1 on", field="tenant_id")
    return int(text[:18]) if text else None


def _ranges(entry: Entry, query: Mapping[str, str]) -> Sequence[tuple[int, str]]:
    """Addresses of the last N days, with the options that were chosen."""
    today = days.today()
    kept = {name: query[name] for name in (*entry.options, "tenant_id") if query.get(name)}
    return [
        (count, f"/analysis/{entry.name}?" + urlencode({"from": today - dt.timedelta(days=count - 1), "to": today, **kept}))
        for count in RANGES
        if count <= entry.longest_days
    ]
