"""What people type or press on the desk's pages, read from forms and addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

from fastapi import Form, Query

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput

Turn = Annotated[int, Form(ge=0, le=2**63 - 1)]
"""The turn of the desk that the page was made for."""
Choice = Query(ge=1, le=2**63 - 1)


def day_and_time(text: str, *, field: str) -> dt.datetime | None:
    """`2026-11-30T09:30` as an instant of Shanghai; None for an empty text. Raises `InvalidInput`."""
    if not text.strip():
        return None
    try:
        return dt.datetime.fromisoformat(text.strip()).replace(tzinfo=days.SHANGHAI)
    except ValueError as error:
        raise InvalidInput(f"{field} is a day and a time, such as 2026-11-30T09:30", field=field) from error


def number_in(given: Mapping[str, str], name: str) -> int | None:
    """A positive number of a filter; None without one. Raises `InvalidInput`."""
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63):
        raise InvalidInput(f"{name} is a positive whole number", field=name)
    return int(text)
