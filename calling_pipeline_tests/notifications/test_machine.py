"""A hypothesis machine over outbox and file: whatever happens in whatever order, nothing is sent twice, nothing is lost,
and the file says `Y` only where everything was delivered."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.notifications.config import load
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.generation import generate
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.write_back import rebuild, write_back
from calling_pipeline.notifications.outbox.delivery import Dispatcher
from calling_pipeline.vendors.wecom import SendResult
from calling_pipeline_tests.notifications.world import ROBOTS, USERS, row, write_ledger
from calling_pipeline_tests.support import NIGHTLY

PLAN = load(None)
EVENTS = ("done", "retry", "refused", "unknown, arrived", "unknown, lost", "killed before", "killed after")


class Killed(BaseException):
    """Stands for the end of the process while a message is in flight."""


def machine(engine, folder):
    class Outbox(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            with engine.begin() as connection:
                connection.execute(
                    sa.text("TRUNCATE contract_messages, contract_rows, contract_ledgers, alerts, alert_conditions CASCADE")
                )
            self.rows = []
            self.path = folder / "c.csv"
            self.path.unlink(missing_ok=True)
            self.save()
            self.arrived = Counter()
            self.by_hand = set()
            self.loop = asyncio.new_event_loop()

        def teardown(self):
            self.loop.close()

        def save(self):
            write_ledger(self.path, self.rows)

        def on_disk(self):
            text = self.path.read_bytes().decode("utf-8-sig")
            return list(csv.DictReader(io.StringIO(text, newline="")))

        @rule(award=st.sampled_from("01"), city=st.sampled_from(("北京", "上海")))
        def somebody_adds_a_row(self, award, city):
            self.rows = [*self.on_disk(), row(len(self.rows) + 1, award=award, city=city)]
            self.save()

        @precondition(lambda self: self.rows)
        @rule(data=st.data())
        def somebody_edits_and_reorders_rows(self, data):
            self.rows = data.draw(st.permutations(self.on_disk()))
            self.rows[0]["备注"] = "改过"
            self.save()

        @rule()
        def messages_are_made(self):
            with engine.begin() as connection:
                generate(connection, self.path, PLAN, Names(ROBOTS, USERS), created_by="a machine")

        @rule(events=st.lists(st.sampled_from(EVENTS), min_size=1, max_size=6))
        def a_dispatch(self, events):
            plan = iter(events)

            async def send(receiver, body):
                event: Any = next(plan, "done")
                if event in ("done", "unknown, arrived", "killed after"):
                    self.arrived[receiver, body] += 1
                if event.startswith("killed"):
                    raise Killed
                if event.startswith("unknown"):
                    return SendResult("unknown", event)
                return SendResult(event, event)

            with engine.begin() as connection:
                store.OUTBOX.mark_orphans_unknown(connection)
            self.loop.run_until_complete(self.dispatched(send))

        async def dispatched(self, send):
            """Until the end, or until the 'process' ends: its session goes and nothing more is written down."""
            dispatcher = Dispatcher(driver_dsn(engine.url), store.OUTBOX, self.ending(send), width=2, rate=0)
            run = asyncio.create_task(dispatcher.run())
            self.ended = asyncio.Event()
            waits = asyncio.create_task(self.ended.wait())
            await asyncio.wait([run, waits], return_when=asyncio.FIRST_COMPLETED)
            if self.ended.is_set():
                dispatcher._results.clear()
                await dispatcher._drop_session()
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()
                await asyncio.gather(run, waits, *dispatcher._in_flight.values(), return_exceptions=True)
            waits.cancel()

        def ending(self, send):
            async def killing(receiver, body):
                try:
                    return await send(receiver, body)
                except Killed:
                    self.ended.set()
                    await asyncio.Event().wait()

            return killing

        @rule(as_=st.sampled_from(("looked", "abandoned")))
        def a_person_settles_what_is_held(self, as_):
            with engine.begin() as connection:
                store.OUTBOX.mark_orphans_unknown(connection)
                for message in store.OUTBOX.messages(connection, ["unknown"], 1):
                    there = self.arrived[self.what(connection, message.id)]
                    decision: Settlement = ("done" if there else "retry") if as_ == "looked" else "abandoned"
                    store.OUTBOX.settle(connection, [message.id], as_=decision, by="a person", why="looked")

        def what(self, connection, id_):
            query = sa.text("SELECT receiver, body FROM contract_messages WHERE id = :id")
            return tuple(connection.execute(query, {"id": id_}).one())

        @rule()
        def dead_letters_are_redriven(self):
            with engine.begin() as connection:
                store.OUTBOX.redrive(connection, None, by="a person")

        @rule()
        def time_passes(self):
            with engine.begin() as connection:
                connection.execute(sa.text("UPDATE contract_messages SET due_at = due_at - interval '10 minutes'"))

        @rule(lost=st.booleans())
        def the_file_is_written_back(self, lost):
            with engine.begin() as connection:
                if lost and rows.kept_ledger(connection, str(self.path)) is not None and not self.unsaved(connection):
                    self.path.unlink()
                    rebuild(connection, self.path)
                else:
                    write_back(connection, self.path)
                sent = store.sent(connection, [line["合同ID(_id)"] for line in self.on_disk()])
            for line in self.on_disk():
                known = sent.get(line["合同ID(_id)"])
                wanted = (
                    {"send_wecom_message", "send_wechat_message"} if line["激活奖励状态"] == "1" else {"send_wecom_message"}
                )
                everything = known is not None and known.complete and known.delivered >= wanted
                assert line["是否发送通知"] == ("Y" if everything else "N")

        def unsaved(self, connection):
            """Whether the rows were edited since the file was last read: a lost edit cannot be made again."""
            text = rows.kept_ledger(connection, str(self.path)).decode("utf-8-sig")
            kept = [line["合同ID(_id)"] for line in csv.DictReader(io.StringIO(text, newline=""))]
            return kept != [line["合同ID(_id)"] for line in self.on_disk()]

        @invariant()
        def nothing_arrived_twice_and_what_is_delivered_arrived(self):
            assert not [message for message, count in self.arrived.items() if count > 1]
            with engine.connect() as connection:
                rows = connection.execute(sa.text("SELECT receiver, body, state FROM contract_messages"))
                for receiver, body, state in rows:
                    there = self.arrived[receiver, body]
                    assert state in ("unknown", "sending", "abandoned") or there == (state == "delivered"), (state, there)

        @invariant()
        def the_file_is_whole(self):
            assert [line["合同ID(_id)"] for line in self.on_disk()] == [line["合同ID(_id)"] for line in self.rows]

    return Outbox


@pytest.mark.timeout(7200)
def test_outbox_and_file_in_any_order(engine, tmp_path):
    few = settings(max_examples=12, stateful_step_count=20)
    run_state_machine_as_test(machine(engine, tmp_path.resolve()), settings=None if NIGHTLY else few)
