"""What the simulator saw against what the product says: nothing twice, nothing lost, every `unknown` with its reason."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.notifications.contracts import store as contract_store
from calling_pipeline.telephony.billing.reconcile import reconcile_day
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline_tests.campaign.people import People
from calling_pipeline_tests.campaign.world import World
from calling_pipeline_tests.notifications.world import ROBOTS, USERS, statuses
from calling_pipeline_tests.telephony.support import broken_rules


class Judge:
    """Collects violations (sentences) and figures."""

    def __init__(self, world: World, people: People) -> None:
        self.violations: list[str] = []
        self.figures: dict[str, Any] = {}
        self._world = world
        self._people = people

    def look(self, *, settled: bool) -> None:
        """Compare every room. After `settle` nothing may be unknown any more."""
        self._calls(settled)
        self._messages(settled)
        self._telephony()
        self._ledger()
        self._require("a wrong number was shown as complete", self._people.wrong_numbers)

    def settle(self) -> None:
        """A person asks the vendors what became of everything that is unknown, and says so."""
        made = {call["distinct_id"] for call in self._gateway_calls()}
        for row in self._rows("SELECT id, distinct_id FROM call_tasks WHERE state = 'unknown'"):
            settlement: Settlement = "done" if row.distinct_id in made else "retry"
            with self._world.engine.begin() as connection:
                lifecycle.settle(connection, settlement, ids=[row.id], by="campaign")
        arrived = self._arrived()
        for message in self._rows("SELECT id, receiver, body FROM contract_messages WHERE state = 'unknown'"):
            decided: Settlement = "done" if arrived[_address(message.receiver), message.body] else "retry"
            with self._world.engine.begin() as connection:
                contract_store.OUTBOX.settle(connection, [message.id], as_=decided, by="campaign", why="looked")
        asyncio.run(self._reconcile())

    async def _reconcile(self) -> None:
        async with TelephonyDependencies.from_runtime(self._world.runtime) as deps:
            await reconcile_day(deps, days.today())

    def _calls(self, settled: bool) -> None:
        calls = self._gateway_calls()
        called = Counter(call["phone"] for call in calls)
        self._require("a number was called twice", [phone for phone, times in called.items() if times > 1])
        known = self._rows(
            "SELECT phone, distinct_id, state, (SELECT message FROM call_log WHERE call_task_id = call_tasks.id"
            " ORDER BY id DESC LIMIT 1) AS message FROM call_tasks WHERE state <> 'skipped'"
        )
        by_id = {row.distinct_id: row for row in known}
        booked = {"pushed", "unknown", "pushing"}
        lost = [call["distinct_id"] for call in calls if getattr(by_id.get(call["distinct_id"]), "state", "") not in booked]
        self._require("a call that was made is not in the books", lost)
        made = {call["distinct_id"] for call in calls}
        claimed = [row.distinct_id for row in known if row.state == "pushed" and row.distinct_id not in made]
        self._require("a call in the books was never made", claimed)
        unknown = [row for row in known if row.state == "unknown"]
        self._require("an unknown call without a reason", [row.distinct_id for row in unknown if not row.message])
        history = {row.phone for row in self._rows("SELECT phone FROM call_history")}
        logged = {
            row.phone for row in self._rows("SELECT phone FROM call_log WHERE outcome IN ('pushed', 'settled_pushed')")
        }
        self._require("history and log differ", sorted(history ^ logged))
        open_calls = [row.state for row in known if row.state in ("pushing", "pending", *(["unknown"] if settled else []))]
        if settled:
            self._require("a call is still open", open_calls)
            self._require("a number was never called", sorted({row.phone for row in known} - set(called)))
        else:
            self.figures["calls made"], self.figures["calls unknown"] = len(calls), len(unknown)
            self.figures["unknown calls that were made"] = sum(row.distinct_id in made for row in unknown)

    def _messages(self, settled: bool) -> None:
        arrived = self._arrived()
        self._require("a message arrived twice", [key[0] for key, times in arrived.items() if times > 1])
        messages = self._rows("SELECT id, contract_id, receiver, body, state, last_error FROM contract_messages")
        wrong, known = [], 0
        for message in messages:
            times = arrived[_address(message.receiver), message.body]
            known += times
            if message.state == "delivered" and not times:
                wrong.append(f"{message.id} is called delivered and did not arrive")
            if message.state in ("pending", "dead") and times:
                wrong.append(f"{message.id} arrived and is called {message.state}")
        self._require("a message is in a wrong state", wrong)
        self._require(
            "messages arrived that are not in the books", [str(arrived.total() - known)] * (arrived.total() > known)
        )
        unknown = [message for message in messages if message.state == "unknown"]
        self._require("an unknown message without a reason", [str(m.id) for m in unknown if not m.last_error])
        undelivered = {message.contract_id for message in messages if message.state != "delivered"}
        for ledger in self._world.ledgers:
            said = statuses(ledger)
            self._require(
                "Y for a contract that is not delivered", [c for c, y in said.items() if y == "Y" and c in undelivered]
            )
            if settled:
                self._require("a contract without Y", [contract for contract, y in said.items() if y != "Y"])
        if not settled:
            self.figures["messages arrived"], self.figures["messages unknown"] = arrived.total(), len(unknown)

    def _telephony(self) -> None:
        calls = self._world.vendors.get("/infinity/_sim/calls")
        dialled = Counter(call["destnumber"][-11:] for call in calls)
        records = self._rows("SELECT * FROM communication_records ORDER BY id")
        known = {row.reference for row in records}
        twice = [number for number, times in dialled.items() if times > 1]
        self._require("a customer was called twice", [self._history_of(number, calls, records) for number in twice])
        overlapping = [call["destnumber"][-11:] for call in calls if call["overlapping"]]
        self._require("two calls on one extension", [self._history_of(number, calls, records) for number in overlapping])
        self._require("a call that was made has no record", [c["customuuid"] for c in calls if c["customuuid"] not in known])
        made = {call["customuuid"] for call in calls}
        ended_well = ("connected", "not_connected", "busy", "ringing")
        false = [row.reference for row in records if row.state in ended_well and row.reference not in made]
        self._require("a record says that a call was made, and it was not", false)
        said_failed = {
            click.phone for click in self._people.clicked if click.answers and click.answers[-1] in ("409", "424")
        }
        self._require("a collector heard that no call was made", sorted(said_failed & set(dialled)))
        self._require("the pool's rules are broken", broken_rules(self._world.runtime, allocated_before=days.now()))
        self.figures["telephone calls made"] = len(calls)
        self.figures["states of telephone calls"] = dict(Counter(row.state for row in records))

    def _history_of(self, number: str, calls: list[dict[str, Any]], records: list[Any]) -> str:
        """Everything about one customer, for whoever has to find the cause."""
        answers = [click.answers for click in self._people.clicked if click.phone == number]
        made = [call for call in calls if call["destnumber"].endswith(number)]
        lines = {call["extnumber"] for call in made}
        said = [f"{call['extnumber']} {call['customuuid']} {call['began']:.1f}-{call['ended']:.1f}" for call in made]
        kept = [
            f"{row.id} {row.reference} {row.state} on {row.extension_number} from {row.started_at:%H:%M:%S.%f}"
            f" to {row.closed_at} by {row.settled_by}"
            for row in records
            if row.extension_number in lines
        ]
        return f"{number} heard {answers}; Infinity: {said}; records of these extensions: {kept}"

    def _ledger(self) -> None:
        wanted = {saved.task_id: saved.credits for saved in self._people.saved}
        confirmed = {saved.task_id for saved in self._people.saved if saved.confirmed}
        charges = Counter(row.task_id for row in self._rows("SELECT task_id FROM task_charges"))
        self._require("a task was charged twice", [task for task, times in charges.items() if times > 1])
        kept = {row.task_id: row for row in self._rows("SELECT task_id, state, credits FROM task_ledger")}
        lost = [task for task in confirmed if task not in kept or kept[task].state != "completed" or not charges[task]]
        self._require("a task that was confirmed is not completed and charged", sorted(lost))
        off = [task for task, row in kept.items() if task in wanted and row.credits != wanted[task]]
        self._require("a task has other credits", off)
        self.figures["tasks charged"] = sum(charges[task] for task in wanted)

    def _gateway_calls(self) -> list[dict[str, Any]]:
        return list(self._world.vendors.get("/gateway/_sim/calls"))

    def _arrived(self) -> Counter[tuple[str, str]]:
        return Counter((message["to"], message["content"]) for message in self._world.vendors.get("/wecom/_sim/messages"))

    def _rows(self, query: str) -> list[Any]:
        with self._world.engine.connect() as connection:
            return list(connection.execute(sa.text(query)))

    def _require(self, what: str, examples: list[str]) -> None:
        if examples:
            self.violations.append(f"{what}: {len(examples)}, such as {', '.join(map(str, examples[:3]))}")


def _address(receiver: str) -> str:
    kind, _, name = receiver.partition(":")
    return f"robot:{ROBOTS[name]}" if kind == "robot" else f"user:{USERS[name]}"
