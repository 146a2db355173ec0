"""What a list's address asks for: filters, order, page, form. It can be sent to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from fastapi import Request

from calling_pipeline.errors import InvalidInput

Form = Literal["page", "csv", "xlsx"]
PER_PAGE = 50
MOST_PER_PAGE = 500


@dataclass(frozen=True)
class Asked:
    """`sort` is the key of a column or empty; `filters` are the other parameters that are not empty."""

    path: str
    filters: Mapping[str, str]
    sort: str
    descending: bool
    page: int
    per_page: int
    form: Form

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.page - 1) * self.per_page

    def address(self, **changes: object) -> str:
        """The address of this list with some of its parameters changed; a changed filter begins at the first page."""
        parameters: dict[str, object] = dict(self.filters)
        if self.sort:
            parameters["sort"] = ("-" if self.descending else "") + self.sort
        if self.page > 1 and not changes.keys() - {"page", "form"}:
            parameters["page"] = self.page
        if self.per_page != PER_PAGE:
            parameters["per"] = self.per_page
        parameters.update(changes)
        given = {name: value for name, value in parameters.items() if value not in (None, "", 0)}
        return self.path + (f"?{urlencode(given)}" if given else "")

    def sorted_by(self, key: str) -> str:
        """The address of this list sorted by a column; by the one it is sorted by, the other way round."""
        return self.address(sort=f"-{key}" if self.sort == key and not self.descending else key)


def asked(request: Request, *, sorts: tuple[str, ...] = (), default_sort: str = "") -> Asked:
    """Read the address of a list. `sorts`: keys of columns it may be sorted by; `-key` is descending.

    Raises `InvalidInput` for a page, an order or a form that there is not.
    """
    given = dict(request.query_params)
    order = given.pop("sort", "") or default_sort
    sort = order.removeprefix("-")
    if sort and sort not in sorts:
        raise InvalidInput(f"this list cannot be sorted by {sort[:40]}; it can by: {', '.join(sorts)}", field="sort")
    form = given.pop("form", "page")
    if form not in ("page", "csv", "xlsx"):
        raise InvalidInput("a list comes as page, csv or xlsx", field="form")
    return Asked(
        path=request.url.path,
        filters={name: value.strip() for name, value in given.items() if name not in ("page", "per") and value.strip()},
        sort=sort,
        descending=order.startswith("-"),
        page=_whole(given.get("page", "1"), "page", 1_000_000),
        per_page=_whole(given.get("per", str(PER_PAGE)), "per", MOST_PER_PAGE),
        form=form,  # type: ignore[arg-type]
    )


def _whole(text: str, field: str, largest: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= largest:
        raise InvalidInput(f"{field} is a whole number from 1 to {largest}", field=field)
    return int(text)
