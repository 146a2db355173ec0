"""What a collector's desk shows, read in one transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.telephony.desk import calling, store
from calling_pipeline.telephony.desk.cases import store as case_store
from calling_pipeline.telephony.desk.cases.records import Case, CaseFilter
from calling_pipeline.telephony.desk.cases.store import CaseCounts
from calling_pipeline.telephony.desk.records import DeskCall, DeskState, Seat

_NO_ROUND = -1


@dataclass(frozen=True)
class DeskView:
    """A desk with its case, how far its list is, and who comes next.

    `case` is whom the last press was about; `next_case` whom the big button or the round calls next; `due` whether the round
    may go on by itself now.
    """

    state: DeskState
    case: Case | None
    next_case: Case | None
    counts: CaseCounts
    due: bool

    @property
    def finished(self) -> bool:
        """Whether the round has nobody left to call."""
        return self.state.desk.batch != "off" and self.state.over and self.next_case is None


def view(connection: sa.Connection, seat: Seat, *, talking: bool | None = None, chosen: int | None = None) -> DeskView:
    """The desk of `seat`. `chosen`: a case that the collector picked to be next."""
    now = days.now()
    state = calling.look(connection, seat, talking=talking)
    desk = state.desk
    run = desk.run if desk.batch != "off" else _NO_ROUND
    counts = case_store.counts(
        connection, seat.tenant_id, seat.collector_id, run=run, now=now, today=days.day_bounds(days.today())[0]
    )
    case = case_store.find(connection, desk.case_id) if desk.case_id is not None else None
    following = _picked(connection, seat, chosen)
    if following is None:
        following_id = case_store.next_case(connection, seat.tenant_id, seat.collector_id, run=run, now=now)
        following = case_store.find(connection, following_id) if following_id is not None else None
    due = desk.batch == "running" and following is not None and state.next_at is not None and state.next_at <= now
    return DeskView(state, case, following, counts, due)


def cases_of(connection: sa.Connection, seat: Seat, *, limit: int) -> list[Case]:
    """The collector's open cases, those next to be called first."""
    rows, _ = case_store.page(connection, CaseFilter(seat.tenant_id, seat.collector_id, "open"), sort="calls", limit=limit)
    return rows


def calls_of(connection: sa.Connection, case: Case, *, limit: int = 5) -> list[DeskCall]:
    """The last presses about a case."""
    return store.calls_of_case(connection, case.id, limit=limit)


def seconds_until(state: DeskState, now: dt.datetime) -> int:
    """Whole seconds until the round goes on; 0 when it may now."""
    return max(0, round((state.next_at - now).total_seconds())) if state.next_at is not None else 0


def _picked(connection: sa.Connection, seat: Seat, chosen: int | None) -> Case | None:
    picked = case_store.find(connection, chosen) if chosen is not None else None
    if (
        picked is None
        or picked.state != "open"
        or (picked.tenant_id, picked.collector_id) != (seat.tenant_id, seat.collector_id)
    ):
        return None
    return picked
