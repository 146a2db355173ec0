"""What a person decides about deliveries: what became of held ones, and that a report is to be sent again.

A decision about many is carried out only when as many fit as were seen. Each is one row of the audit log.
"""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.reports.mail import alerting, store
from calling_pipeline.reports.mail.records import HELD, Decision, Delivery, DeliveryState, Selection, shown
from calling_pipeline.reports.records import Period

SAMPLE = 10
_NOTED = 200
"""Ids that one row of the audit log names."""
_TO: dict[Settlement, DeliveryState] = {"done": "sent", "retry": "pending", "abandoned": "abandoned"}
_ENDED: tuple[DeliveryState, ...] = ("sent", "refused", "dead", "abandoned")


def settle(
    connection: sa.Connection,
    selection: Selection,
    *,
    as_: Settlement,
    by: str,
    why: str,
    dry_run: bool = False,
    expect: int | None = None,
) -> Decision:
    """Say what became of held deliveries: `done` they were sent, `retry` they were not and are sent, `abandoned` leave them.

    Raises `InvalidInput` without a reason, for a state that holds nothing and for many that were not looked at before,
    `Conflict` when another number fits now, `NotFound` when nothing does.
    """
    wrong = [state for state in selection.states if state not in HELD]
    if wrong:
        raise InvalidInput(f"{wrong[0]} deliveries are not held; settle {', '.join(HELD)} ones", field="state")
    if not dry_run and not why.strip():
        raise InvalidInput("say how you know, or why it is left", field="reason")
    if selection.ids is None and expect is None and not dry_run:
        raise InvalidInput("look first with a dry run; then say how many deliveries you expect", field="expect")
    states = selection.states or HELD
    narrowed = Selection(selection.ids, states, selection.kind, selection.receiver, selection.period)
    found = store.chosen(connection, narrowed, lock=not dry_run)
    ids = [number for number, _ in found]
    not_done = tuple(sorted(set(selection.ids or ()) - set(ids)))
    sample = tuple(store.listed(connection, Selection(tuple(ids[:SAMPLE])), limit=SAMPLE))
    if dry_run:
        return Decision(True, tuple(ids), sample, not_done)
    if expect is not None and len(ids) != expect:
        raise Conflict(f"{len(ids)} deliveries fit now, not {expect}; look again with a dry run")
    if not ids:
        raise NotFound(f"delivery {not_done[0]} is not held" if not_done else "no delivery fits")
    done = store.move(connection, ids, HELD, _TO[as_], by=by, why=why)
    alerting.close_what_is_settled(connection)
    before = {"states": sorted({state for _, state in found})}
    after = {"as": as_, "deliveries": len(done), "ids": done[:_NOTED]}
    subject = f"delivery:{done[0]}" if len(done) == 1 else "deliveries"
    note_act(connection, "report.settle", subject, by=by, reason=why, before=before, after=after)
    return Decision(False, tuple(done), sample, not_done)


def resend(connection: sa.Connection, period: Period, receiver: str, *, by: str, why: str) -> tuple[Delivery, bool]:
    """Send the newest revision that a receiver has a delivery of again; True when this order was given before.

    The same reason given again sends nothing again. Raises `InvalidInput` without a reason, `NotFound` when the receiver has
    no delivery of the period, `Conflict` while one waits or is unknown.
    """
    if not why.strip():
        raise InvalidInput("say why the report is sent again", field="reason")
    wanted = receiver.strip().lower()
    found = store.listed(connection, Selection(kind=period.kind, receiver=wanted, period=period.first), limit=1000)
    of_receiver = [one for one in found if one.receiver.lower() == wanted]
    if not of_receiver:
        raise NotFound(f"{shown(receiver.strip())} has no delivery of the {period.kind} report of {period.label}")
    newest = max(of_receiver, key=lambda one: one.revision)
    orders = [entry for entry in newest.history if entry.get("to") == "pending" and entry.get("by")]
    if any(entry.get("why") == why for entry in orders):
        return newest, True
    if newest.state not in _ENDED:
        hint = "settle it first" if newest.state == "unknown" else "it is sent by the next delivery"
        raise Conflict(f"delivery {newest.id} is {newest.state}; {hint}")
    if not store.move(connection, [newest.id], _ENDED, "pending", by=by, why=why):
        raise Conflict(f"delivery {newest.id} changed meanwhile; look again")
    local, _, domain = newest.message_id.strip("<>").partition("@")
    first = local.partition(".again")[0]
    store.again(connection, newest.id, f"<{first}.again{len(orders) + 1}@{domain}>")
    alerting.close_what_is_settled(connection)
    before = {"state": newest.state, "receiver": newest.shown}
    note_act(connection, "report.resend", f"delivery:{newest.id}", by=by, reason=why, before=before)
    return store.listed(connection, Selection((newest.id,)), limit=1)[0], False
