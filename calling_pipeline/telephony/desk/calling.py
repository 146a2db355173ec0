"""The call button of a collector's desk, and the round that goes through their list one call after another.

The intent is committed before the call is made, under the turn that the page shows: a page that is loaded twice, a second
window, or two fingers at once call nobody twice. Whom a round calls next is decided here, never by the page.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.database.retry import retry_while_lost
from calling_pipeline.errors import Conflict, InvalidInput, NotFound, PermanentError
from calling_pipeline.telephony.calls.making import make_call
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.desk import states, store
from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases import store as case_store
from calling_pipeline.telephony.desk.cases.records import CallResult, Case, NewCase
from calling_pipeline.telephony.desk.records import Desk, DeskCall, DeskState, Seat
from calling_pipeline.telephony.records import CallOutcome, CallWish

Order = Literal["start", "pause", "resume", "stop"]
LONGEST_PAUSE_S = 600
_LATE_S = 30.0
"""An intent that waited so long for its call is given up: others may soon take its process for ended."""
_PATIENCE_S = 5.0
_UNDER_WAY = "a call of this desk is under way; end it first"
_OLD = "this page is older than what the desk has done since; nobody was called. Look at the desk as it is now"


async def call_case(deps: TelephonyDependencies, seat: Seat, turn: int, case_id: int, *, who: str) -> DeskCall:
    """Call the customer of one case, once for this turn. The answer says what became of it.

    Raises `Conflict` for a turn that is over or while a call is under way, `NotFound` for a case that is not open here.
    """
    return await _pressed(deps, seat, turn, lambda connection, desk: _open_case(connection, seat, case_id), who)


async def call_number(deps: TelephonyDependencies, seat: Seat, turn: int, phone: str, name: str, *, who: str) -> DeskCall:
    """Call a number typed by hand: its open case, or a new one. Raises as `call_case`, and `InvalidInput`."""

    def chosen(connection: sa.Connection, desk: Desk) -> Case:
        new = NewCase(seat.collector_id, phone, name)
        return cases.find_or_add(connection, deps.secrets, deps.phone_keys, seat.tenant_id, new, who=who)

    return await _pressed(deps, seat, turn, chosen, who)


async def call_next(deps: TelephonyDependencies, seat: Seat, turn: int, *, by_hand: bool, who: str) -> DeskCall:
    """Call the next case of the round: when it is due, or at once when a person asks (`by_hand`).

    Raises `Conflict` for a turn that is over, a round that does not run, is not due yet or waits for a result, and
    `NotFound` at the end of the list.
    """

    def chosen(connection: sa.Connection, desk: Desk) -> Case:
        if desk.batch == "off" or (desk.batch == "paused" and not by_hand):
            raise Conflict("the round is not running")
        at = _state(connection, desk).next_at
        if not by_hand and (at is None or at > days.now()):
            raise Conflict("the next call of the round is not due yet")
        case_id = case_store.next_case(connection, seat.tenant_id, seat.collector_id, run=desk.run, now=days.now())
        if case_id is None:
            raise NotFound("nobody is left to call in this round")
        return cases.find(connection, case_id)

    return await _pressed(deps, seat, turn, chosen, who)


def order(
    connection: sa.Connection, seat: Seat, turn: int, what: Order, *, pause_s: int | None = None, who: str
) -> DeskState:
    """Start, pause, resume or stop the round. A call under way goes on.

    Raises `Conflict` for a turn that is over and for an order that does not fit, `InvalidInput` for the pause.
    """
    desk = store.take_turn(connection, seat, turn)
    if desk is None:
        raise Conflict(_OLD)
    if pause_s is not None and not 0 <= pause_s <= LONGEST_PAUSE_S:
        raise InvalidInput(f"the pause between two calls has 0 to {LONGEST_PAUSE_S} seconds", field="pause_s")
    fits = {"start": ("off",), "pause": ("running",), "resume": ("paused",), "stop": ("running", "paused")}
    if desk.batch not in fits[what]:
        raise Conflict(f"the round is {desk.batch}: it cannot {what}")
    values: dict[str, Any] = {"said": "", "pause_s": desk.pause_s if pause_s is None else pause_s}
    if what in ("start", "resume"):
        values |= {"batch": "running", "resumed_at": days.now(), "run": desk.run + (what == "start")}
    else:
        values["batch"] = "off" if what == "stop" else "paused"
    store.change(connection, seat, values)
    after = {"round": values.get("run", desk.run), "pause_s": values["pause_s"]}
    subject = f"desk:{seat.tenant_id}/{seat.collector_id}"
    note_act(connection, f"desk.{what}", subject, by=who, tenant_id=seat.tenant_id, after=after)
    return look(connection, seat)


def conclude(
    connection: sa.Connection,
    seat: Seat,
    call_id: int,
    *,
    result: CallResult,
    remark: str,
    done: bool | None,
    next_call_at: dt.datetime | None,
    who: str,
) -> Case:
    """Keep what came of a call of this desk, on the call and on its case.

    Raises `NotFound` for another desk's call, `Conflict` before the button was answered, `InvalidInput`.
    """
    call = store.call(connection, call_id)
    if call is None or (call.tenant_id, call.collector_id) != (seat.tenant_id, seat.collector_id):
        raise NotFound("there is no such call of this desk")
    if call.outcome is None:
        raise Conflict("the call is being made; its result comes after it")
    case = cases.find(connection, call.case_id)
    after = cases.conclude(connection, case, result=result, remark=remark, done=done, next_call_at=next_call_at, who=who)
    store.note(connection, call_id, result=result, remark=after.remark, now=days.now())
    return after


def look(connection: sa.Connection, seat: Seat, *, talking: bool | None = None) -> DeskState:
    """The desk as it is now, an intent settled whose process has ended. `talking`: what Infinity says of its line."""
    settle_orphan(connection, seat)
    return _state(connection, store.desk_of(connection, seat), talking=talking)


def _state(connection: sa.Connection, desk: Desk, *, talking: bool | None = None) -> DeskState:
    call = store.call(connection, desk.call_id) if desk.call_id is not None else None
    return states.state_of(desk, call, talking=talking)


async def _pressed(
    deps: TelephonyDependencies, seat: Seat, turn: int, chosen: Callable[[sa.Connection, Desk], Case], who: str
) -> DeskCall:
    """Intent, act, answer."""
    begun = time.monotonic()
    call_id, case, phone = await asyncio.to_thread(_intend, deps, seat, turn, chosen, who)
    wish = CallWish(seat.tenant_id, seat.collector_id, phone, case_id=str(case.id))
    if time.monotonic() - begun > _LATE_S:
        outcome = CallOutcome("failed", "no call was made: this press took too long; try again")
    else:
        try:
            outcome = await make_call(deps, wish)
        except PermanentError as error:  # before anything was sent: the account's secret cannot be read
            outcome = CallOutcome("failed", str(error))
    return await retry_while_lost(
        lambda: asyncio.to_thread(_keep, deps, seat, call_id, case, outcome), give_up_after_s=_PATIENCE_S
    )


def _intend(
    deps: TelephonyDependencies, seat: Seat, turn: int, chosen: Callable[[sa.Connection, Desk], Case], who: str
) -> tuple[int, Case, str]:
    try:
        with deps.transaction() as connection:
            settle_orphan(connection, seat)
            desk = store.take_turn(connection, seat, turn)
            if desk is None:
                raise Conflict(_OLD)
            if not _state(connection, desk).over:
                raise Conflict(_UNDER_WAY)
            case = chosen(connection, desk)
            phone = cases.phone_of(connection, deps.secrets, case)
            run = 0 if desk.batch == "off" else desk.run
            call_id = store.intend(connection, seat, case.id, run=run, now=days.now())
            store.change(connection, seat, {"case_id": case.id, "call_id": call_id, "said": ""})
            case_store.change(connection, case.id, {"calls": case.calls + 1, "last_run": run or case.last_run})
            note_act(
                connection,
                "desk.call",
                f"case:{case.id}",
                by=who,
                tenant_id=seat.tenant_id,
                after={"collector": seat.collector_id, "phone": case.phone_masked},
            )
            return call_id, case, phone
    except IntegrityError as error:
        if violated_constraint(error) != store.UNDER_WAY:
            raise
        raise Conflict(_UNDER_WAY) from error


def _keep(deps: TelephonyDependencies, seat: Seat, call_id: int, case: Case, outcome: CallOutcome) -> DeskCall:
    with deps.transaction() as connection:
        keep_outcome(connection, seat, call_id, case, outcome)
        kept = store.call(connection, call_id)
    assert kept is not None
    return kept


def keep_outcome(connection: sa.Connection, seat: Seat, call_id: int, case: Case, outcome: CallOutcome) -> None:
    """Keep the answer to an intent, and what it means for case and round; nothing when it has one already."""
    refused = outcome.kind == "refused"
    values = {
        "outcome": outcome.kind,
        "record_id": None if refused else outcome.call_id,
        "rule": outcome.rule,
        "sentence": outcome.sentence,
        "not_before": outcome.not_before,
        "answered_at": days.now(),
    }
    if not store.answer(connection, call_id, values):
        return
    if refused and outcome.not_before is not None:
        case_store.change(connection, case.id, {"next_call_at": outcome.not_before})
    if refused and outcome.rule in states.POOL_RULES:
        case_store.change(connection, case.id, {"last_run": 0})  # it was not its fault: the round takes it again
    policy = outcome.rule.startswith("contact_policy:")
    stops = outcome.kind == "failed" or (refused and not policy and outcome.rule not in states.POOL_RULES)
    desk = store.desk_of(connection, seat)
    if stops and desk.batch == "running":
        store.change(connection, seat, {"batch": "paused", "said": outcome.sentence})


def settle_orphan(connection: sa.Connection, seat: Seat) -> bool:
    """Give an intent whose process has ended the answer that its record shows; True when there was one.

    Without a record nobody was called.
    """
    desk = store.desk_of(connection, seat)
    call = store.call(connection, desk.call_id) if desk.call_id is not None else None
    if call is None or not states.orphaned(call, days.now()):
        return False
    record = store.record_of_intent(connection, seat, call.case_id, call.intended_at)
    if record is None:
        outcome = CallOutcome("failed", "the program ended before the call was made: nobody was called")
    elif record.state == "failed":
        outcome = CallOutcome("failed", record.failure or "the call was not made", record.id)
    else:
        outcome = CallOutcome("unknown", "the program ended while it made the call", record.id)
    if record is not None and record.state not in ("failed", "initiating", "unknown"):
        outcome = replace(outcome, kind="ringing")
    keep_outcome(connection, seat, call.id, cases.find(connection, call.case_id), outcome)
    return True


def _open_case(connection: sa.Connection, seat: Seat, case_id: int) -> Case:
    case = cases.find(connection, case_id)
    if (case.tenant_id, case.collector_id) != (seat.tenant_id, seat.collector_id):
        raise NotFound("there is no such case")
    if case.state != "open":
        raise Conflict("this case is done")
    return case
