"""A list as a page with its order, pages and exports; the rows are read by a function of the room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi.responses import Response

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.console.lists.asked import Asked
from calling_pipeline.console.lists.columns import Column
from calling_pipeline.console.lists.exporting import MOST_ROWS, export
from calling_pipeline.console.views import View

Row = TypeVar("Row")
Read = Callable[[int, int], tuple[Sequence[Row], int | None]]
"""Rows for (limit, offset), and how many there are in all; None: not counted."""
_CHUNK = 1000


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """One page of a list, as templates show it (`parts/list.html`). `total` None: not counted, `more` says if any follow."""

    name: str
    texts: str
    asked: Asked
    columns: Sequence[Column[Row]]
    rows: Sequence[Row]
    total: int | None
    more: bool


def listing(
    view: View, name: str, texts: str, asked: Asked, columns: Sequence[Column[Any]], read: Read[Any]
) -> Listing[Any] | Response:
    """The page of the list that was asked for, or its export as an answer.

    `texts` is the part of the catalogue that names the columns: `TEXTS.column_KEY`. An export holds every row of the
    filter, up to a million, masked as on the page, and is noted in the audit log.
    """
    if asked.form == "page":
        rows, total = read(asked.per_page + 1, asked.offset)
        more = len(rows) > asked.per_page
        return Listing(name, texts, asked, columns, rows[: asked.per_page], total, more)
    with view.transaction() as connection:
        after = {"form": asked.form, **asked.filters}
        note_act(connection, "list.export", f"list:{name}", by=view.caller.name, tenant_id=view.caller.tenant, after=after)
    return export(view, name, texts, asked.form, columns, _all(read))


def _all(read: Read[Any]) -> Any:
    offset = 0
    while offset < MOST_ROWS:
        rows, _ = read(_CHUNK, offset)
        yield from rows
        if len(rows) < _CHUNK:
            return
        offset += _CHUNK
