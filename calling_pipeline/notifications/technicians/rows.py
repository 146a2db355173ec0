"""Reading technicians' status changes: rows of a Metabase question or of a file."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from calling_pipeline import days
from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.json_file import read_json
from calling_pipeline.notifications.technicians.records import STATUSES, BadRow, Change
from calling_pipeline.vendors.metabase import Metabase


def read_rows(rows: Sequence[Any]) -> tuple[list[Change], list[BadRow]]:
    """Rows `[change_id, change_time, technician, company, _, [status, …]]` as changes; the bad ones with their reason."""
    changes: list[Change] = []
    bad: list[BadRow] = []
    for place, row in enumerate(rows, 1):
        try:
            changes.append(_change(row))
        except ValueError as error:
            bad.append(BadRow(place, str(error)))
    return changes, bad


def rows_of_file(path: Path) -> list[Any]:
    """The rows in a JSON file: a list of rows, or Metabase's `{"data": {"rows": […]}}`.

    Raises `InvalidInput` for any other content.
    """
    document = read_json(path)
    if isinstance(document, dict):
        document = document.get("data", document)
        document = document.get("rows") if isinstance(document, dict) else document
    if not isinstance(document, list):
        raise InvalidInput(f'{path} must hold a list of rows, or {{"data": {{"rows": […]}}}}')
    return document


def rows_of_metabase(metabase: Callable[[], Metabase], card: int) -> list[Any]:
    """The rows of a Metabase question. Raises what `Metabase.card_rows` raises."""

    async def ask() -> list[Any]:
        async with metabase() as client:
            return await client.card_rows(card)

    return asyncio.run(ask())


def _change(row: Any) -> Change:
    if not isinstance(row, list | tuple) or len(row) < 6:
        raise ValueError("a row has six fields: change id, time, technician, company, one unused, list of states")
    change_id, at, technician, company, _, states = row[:6]
    if change_id in (None, "") or isinstance(change_id, bool | float | list | dict):
        raise ValueError("the change id is empty or no text")
    status = states[0] if isinstance(states, list | tuple) and states else states
    if status not in STATUSES:
        raise ValueError(
            f"the status of change {change_id} is {str(status)[:20]!r}; it must be one of {', '.join(STATUSES)}"
        )
    if not isinstance(technician, str) or not technician.strip() or not isinstance(company, str):
        raise ValueError(f"change {change_id} names no technician or no company")
    return Change(str(change_id).strip(), _instant(at, change_id), technician.strip(), company.strip(), status)


def _instant(text: Any, change_id: object) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"the time of change {change_id} is {str(text)[:40]!r}; it must be ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=days.SHANGHAI)
