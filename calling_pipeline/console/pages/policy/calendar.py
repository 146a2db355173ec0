"""The months with their holidays, and declaring a day one or an ordinary day again."""

from __future__ import annotations

import calendar as months
import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.views import View, viewing
from calling_pipeline.contact_policy import holidays, store
from calling_pipeline.errors import InvalidInput

router = APIRouter(tags=["policy"])
Viewer = Annotated[View, Depends(viewing("viewer", "policy"))]
Operator = Annotated[View, Depends(viewing("operator", "policy"))]
_YEARS = range(2000, 2100)
_AHEAD = dt.timedelta(days=366)


@dataclass(frozen=True)
class Day:
    """One cell of the month. `holiday` is its name, empty for an ordinary day."""

    day: dt.date
    within: bool
    holiday: str


@router.get("/policy/calendar")
def calendar(view: Viewer, month: str = "") -> Response:
    """One month as a table, `month` as YYYY-MM; the present one without it."""
    first = _month(month) if month else days.today().replace(day=1)
    weeks = months.Calendar().monthdatescalendar(first.year, first.month)
    with view.transaction() as connection:
        named = store.holidays_between(connection, weeks[0][0], weeks[-1][-1])
        ahead = store.holidays_between(connection, days.today(), days.today() + _AHEAD)
    cells = [[Day(day, day.month == first.month, named.get(day, "")) for day in week] for week in weeks]
    return view.page(
        "policy/calendar.html",
        first=first,
        weeks=cells,
        month=f"{first:%Y-%m}",
        before=f"{first - dt.timedelta(days=1):%Y-%m}",
        after=f"{first + dt.timedelta(days=31):%Y-%m}",
        ahead=sorted(ahead.items()),
    )


@router.get("/policy/holidays/{day}")
def ask(view: Operator, day: str) -> Response:
    """The form that makes a day a holiday, or an ordinary one again."""
    wanted = days.parse_day(day, field="day")
    with view.transaction() as connection:
        name = store.holidays_between(connection, wanted, wanted).get(wanted, "")
    return view.page("policy/holiday.html", day=wanted, name=name, month=f"{wanted:%Y-%m}")


@router.post("/policy/holidays/{day}")
def declare(
    view: Operator,
    day: str,
    name: Annotated[str, Form(max_length=500)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Make a day a holiday, or give it another name."""
    wanted = days.parse_day(day, field="day")
    with view.transaction() as connection:
        holidays.declare(connection, wanted, name, by=view.caller.name, reason=reason)
    return view.done("policy.holiday_added", back=_back(wanted), day=wanted, name=name.strip())


@router.post("/policy/holidays/{day}/remove")
def withdraw(view: Operator, day: str, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Make a day an ordinary one again."""
    wanted = days.parse_day(day, field="day")
    with view.transaction() as connection:
        holidays.withdraw(connection, wanted, by=view.caller.name, reason=reason)
    return view.done("policy.holiday_removed", back=_back(wanted), day=wanted)


def _back(day: dt.date) -> str:
    return f"/policy/calendar?month={day:%Y-%m}"


def _month(text: str) -> dt.date:
    try:
        first = dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        first = None
    if first is None or first.year not in _YEARS:
        raise InvalidInput(f"month {text[:20]!r} is no month; write it as YYYY-MM", field="month")
    return first
