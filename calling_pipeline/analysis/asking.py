"""Asks an analysis: every door goes through `ask`, so that who may ask and what is refused is the same at each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import ROOMS_WITH_TENANTS
from calling_pipeline.analysis.catalogue import ANALYSES
from calling_pipeline.analysis.records import Analysis
from calling_pipeline.analysis.registry import Entry, Question
from calling_pipeline.call_stats.ranges.views import require_range
from calling_pipeline.errors import InvalidInput, NotFound

USUAL_DAYS = 31
"""How many days are meant where none are named, today included."""


class Span(NamedTuple):
    """The days asked about, both ends included."""

    first: dt.date
    last: dt.date


def open_to(caller: Caller | None) -> Sequence[Entry]:
    """The analyses that this caller may ask; None: the command line, which may ask all."""
    return [entry for entry in ANALYSES.values() if caller is None or caller.may("viewer", entry.room)]


def entry_of(name: str, caller: Caller | None) -> Entry:
    """The analysis of that name. Raises `NotFound` for none, `Forbidden` when it is in a room closed to the caller."""
    entry = ANALYSES.get(name)
    if entry is None:
        raise NotFound(f"there is no analysis {name[:40]!r}; there are: {', '.join(ANALYSES)}")
    if caller is not None:
        caller.require("viewer", entry.room)
    return entry


def span_of(
    connection: sa.Connection,
    entry: Entry,
    first: str,
    last: str,
    *,
    oldest: dt.date,
    names: tuple[str, str] = ("from", "to"),
) -> Span:
    """The days named, as far back as numbers are kept; an end that is empty makes it the usual days.

    `oldest` is the first day that may be read. Raises `InvalidInput`, which names one of `names`, for what is no date,
    outside the days there are, or more days than the analysis answers.
    """
    end = days.day_asked(last, field=names[1]) if last else days.today()
    begin = first or max(oldest, end - dt.timedelta(days=min(USUAL_DAYS, entry.longest_days) - 1)).isoformat()
    wanted = require_range(connection, begin, end.isoformat(), oldest, options=names)
    if len(wanted) > entry.longest_days:
        raise InvalidInput(
            f"{entry.name} answers for {entry.longest_days} days at most; these are {len(wanted)}", field=names[0]
        )
    return Span(wanted[0], wanted[-1])


def ask(
    connection: sa.Connection,
    entry: Entry,
    span: Span,
    *,
    caller: Caller | None,
    tenant_id: int | None,
    options: Mapping[str, str],
    agent_names: Mapping[str, str],
) -> Analysis:
    """What the analysis finds. `tenant_id` None: the caller's own, or all.

    Raises `Forbidden` for a room or tenant that is closed to the caller, `InvalidInput` for an option it does not have.
    """
    if caller is not None:
        caller.require("viewer", entry.room)
    question = Question(
        span.first,
        span.last,
        tenant_id=_tenant(entry, caller, tenant_id),
        agent_names=agent_names,
        options=_options(entry, options),
    )
    return entry.compute(connection, question)


def _tenant(entry: Entry, caller: Caller | None, tenant_id: int | None) -> int | None:
    if entry.room not in ROOMS_WITH_TENANTS:
        if tenant_id is not None:
            raise InvalidInput(f"{entry.name} is of the whole centre: it belongs to no tenant", field="tenant_id")
        return None
    return caller.scope(tenant_id) if caller is not None else tenant_id


def _options(entry: Entry, given: Mapping[str, str]) -> Mapping[str, str]:
    for name in given:
        if name not in entry.options:
            has = ", ".join(entry.options) or "none"
            raise InvalidInput(f"{entry.name} has no option {name[:40]!r}; it has: {has}", field=name[:40])
    found = {}
    for name in entry.options:
        choices = entry.choices.get(name, ("",))
        value = given.get(name, "") or choices[0]
        if name in entry.choices and value not in choices:
            raise InvalidInput(f"{name} is one of {', '.join(choices)}; it was {value[:40]!r}", field=name)
        found[name] = value
    return found
