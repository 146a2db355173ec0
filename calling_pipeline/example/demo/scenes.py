"""The scenes of the demo's day: each says what it does and where to look, acts by the API, and heals what it broke."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import count
from typing import Any

from calling_pipeline import atomic_file, days
from calling_pipeline.example import contracts, orders, store
from calling_pipeline.example.demo.stage import PERSON, Stage
from calling_pipeline.example.names import COLLECTORS, TASK, TENANT, ledger_of
from calling_pipeline.example.seeding import dependencies
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.contracts.ledger_files import read_ledger

_MAKE_CALL = "/api/v1/infinity/make-call"
_GATEWAY, _ROBOTS, _RECORDS, _GUANKE = "/gateway/", "/wecom/cgi-bin/webhook", "/task/cdr/all2", "/guanke/"
"""Where faults are planted."""
_NEW_ORDERS = 60
_UNKNOWN = 3
_REFUSED_MESSAGE = 40058
"""WeCom's code for a request that it does not take: the message becomes a dead letter."""
_customers = count(70_000)


def batch_begins(stage: Stage) -> int:
    """New work orders come in and the calling task is run; a few answers of the gateway get lost. Returns the batch."""
    with stage.runtime.transaction() as connection:
        first = store.count_orders(connection)
        store.add_orders(connection, orders.orders(_NEW_ORDERS, first=first))
    stage.look(f"{_NEW_ORDERS} new work orders have come in; {PERSON} looks at the calling task {TASK}", "/batches/tasks")
    card = stage.act(f"/api/v1/calls/tasks/{TASK}/run", {"dry_run": True})
    stage.pause(6)
    stage.plant("reset", _GATEWAY, times=_UNKNOWN, after=True)
    to_call = card["to_call"]
    batch = stage.act(f"/api/v1/calls/tasks/{TASK}/run", {"dry_run": False, "to_call": to_call, "reason": "示例演示"})
    number = int(batch["batch_id"])
    left_out = int(card["source_rows"]) - int(to_call)
    stage.look(f"batch {number} calls {to_call} numbers, {left_out} rows are left out with a reason", f"/batches/{number}")
    return number


def collectors_call(stage: Stage, calls: int) -> None:
    """Collectors click one after another; the simulator's callbacks say what became of each call."""
    stage.behave(ring_s=[1, 3], talk_s=[4, 15], answer_rate=0.6)
    stage.look(f"{calls} calls by collectors of the example tenant ring, talk and end", "/telephony/calls")
    for place in range(calls):
        collector = 2 + place % (COLLECTORS - 1)
        phone = orders.phone(next(_customers))
        answer = stage.tried(_MAKE_CALL, {"tenant_id": TENANT, "collector_id": collector, "phone": phone})
        if not answer["success"]:
            stage.say(f"  collector {collector}: {answer['error']}")
        stage.pause(1.5)


def a_call_is_refused(stage: Stage) -> None:
    """A number of the do-not-call list is not called."""
    body = {"tenant_id": TENANT, "collector_id": 2, "phone": orders.do_not_call()[0]}
    answer = stage.tried(_MAKE_CALL, body)
    stage.look(f"a number of the do-not-call list is refused: {answer.get('error', 'it was not')}", "/policy")


def messages_go_out(stage: Stage) -> None:
    """New contracts stand in the ledger; their messages are delivered, and WeCom refuses one."""
    path = ledger_of(stage.runtime.settings)
    known = [one.contract_id for one in read_ledger(path).contracts]
    numbers = [int(one.removeprefix(contracts.PREFIX)) for one in known if one.startswith(contracts.PREFIX)]
    first = max(numbers, default=0) + 20  # beyond the ids of lines that are parked
    fresh = [contracts.row(number) for number in range(first, first + 5) if number % 6]
    atomic_file.replace(path, lambda content: content + b"".join(map(contracts.as_line, fresh)))
    stage.look(f"{len(fresh)} contracts were added to {path.name}; WeCom refuses one of the messages", "/notifications")
    stage.plant("errcode", _ROBOTS, times=1, errcode=_REFUSED_MESSAGE)
    done = runs.run(dependencies(stage.runtime), [path], created_by=PERSON, wait_s=stage.patience(15))
    stage.heal(_ROBOTS)
    said = done.delivery
    stage.say(f"  {said.delivered} delivered, {said.dead} given up as a dead letter; the rest follows at the robot's rate")


def a_day_is_held(stage: Stage) -> None:
    """The vendor sends grades that nobody knows: the publishing gate holds the day, until a good read closes it."""
    day = days.today() - dt.timedelta(days=1)
    stage.plant("unknown_grades", _RECORDS, times=None, rows=400, text="示例等级")
    refreshed = _refresh(stage, day)
    held = refreshed["success"] and (refreshed["data"] is None or bool(refreshed["data"].get("held")))
    state = "is held: its numbers stay, and an alert is open" if held else f"was read: {refreshed.get('error', 'not held')}"
    stage.look(f"the vendor sends unknown grades; {day} {state}", f"/stats?date={day}")
    stage.pause(15)
    stage.heal(_RECORDS)
    _refresh(stage, day)
    stage.look(f"the vendor is well again; {day} was read anew, passes, and its alert is closed", "/alerts")


def the_vendor_is_away(stage: Stage) -> None:
    """Guanke answers nothing for a while; today's refresh fails, and heals with the vendor."""
    stage.plant("status", _GUANKE, times=None, status=503)
    answer = _refresh(stage, days.today())
    stage.look(f"Guanke is away: {answer.get('error') or 'today was refreshed all the same'}", "/")
    stage.pause(12)
    stage.heal(_GUANKE)
    answer = _refresh(stage, days.today())
    healed = "today is read again" if answer["success"] else answer["error"]
    stage.look(f"Guanke is back: {healed}", "/stats")


def the_batch_ends(stage: Stage, number: int) -> int:
    """What became of the batch, and one of its unknown calls settled; how many are left. At night nobody is called."""
    stage.wait_until(lambda: _batch(stage, number)["state"] in ("completed", "paused", "cancelled"), within_s=90)
    batch = _batch(stage, number)
    unknown = batch.get("unknown_calls") or []
    stage.heal(_GATEWAY)
    stage.look(f"batch {number} is {batch['state']}; what became of {len(unknown)} calls is unknown", f"/batches/{number}")
    if unknown:
        chosen = {"settle_as": "pushed", "call_ids": [unknown[0]["call_id"]], "note": "示例：网关账单里有这一通"}
        stage.act(f"/api/v1/calls/batches/{number}/settle", chosen)
        stage.say(f"  {PERSON} settles one of them by the gateway's bill; the others are yours to settle")
    return max(len(unknown) - 1, 0)


def _refresh(stage: Stage, day: dt.date) -> dict[str, Any]:
    return stage.tried("/api/stats/grade-stats/refresh", {"date": day.isoformat()})


def _batch(stage: Stage, number: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = stage.ask(f"/api/v1/calls/batches/{number}")
    return found
