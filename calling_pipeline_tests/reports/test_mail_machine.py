"""A hypothesis machine over deliveries: whatever happens in whatever order, nobody gets a mail twice and none is lost."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from calling_pipeline import days
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.reports import periods
from calling_pipeline.reports.mail import decisions, store
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.delivering import Mailer
from calling_pipeline.reports.mail.planning import plan
from calling_pipeline.reports.mail.records import Claimed, Edition, Selection
from calling_pipeline.reports.mail.tables import report_deliveries
from calling_pipeline.reports.tables import reports
from calling_pipeline.vendors.smtp.records import SendResult
from calling_pipeline_tests.reports.mail_support import a_report
from calling_pipeline_tests.reports.support import SUNDAY, morning_after
from calling_pipeline_tests.support import NIGHTLY, wait_until

PERIOD = periods.containing("daily", SUNDAY)
PEOPLE = tuple(f"{name}@example.com" for name in ("lin", "wang", "Zhao"))
EVENTS = (
    "done", "retry", "refused", "unknown, arrived", "unknown, lost", "server away", "killed before", "killed after",
)  # fmt: skip


class Server:
    """What arrives, by Message-ID; and what it does next. `kill` ends the process, whose threads then wait for `ended`."""

    def __init__(self) -> None:
        self.arrived: Counter[str] = Counter()
        self.names: dict[int, set[str]] = {}
        self.events: Iterator[str] = iter(())
        self.composing_kills = False
        self.kill = threading.Event()
        self.ended = threading.Event()
        self._one = threading.Lock()

    def compose(self, edition: Edition) -> None:
        if self.composing_kills:
            self._die()

    def send(self, claimed: Claimed) -> SendResult:
        with self._one:
            event = "killed before" if self.kill.is_set() else next(self.events, "done")
            self.names.setdefault(claimed.id, set()).add(claimed.message_id)
            self.arrived[claimed.message_id] += event in ("done", "unknown, arrived", "killed after")
        if event.startswith("killed"):
            self._die()
        if event == "server away":
            return SendResult("retry", event, server=True)
        return SendResult("unknown" if event.startswith("unknown") else event, event)  # type: ignore[arg-type]

    def _die(self) -> None:
        self.kill.set()
        self.ended.wait()


class Killable(Mailer):
    """A mailer whose end leaves everything as it is, as SIGKILL does."""

    async def _finish(self) -> None:
        """Nothing is finished."""


async def delivered(engine: sa.Engine, server: Server) -> None:
    """Until nothing is due, or until the process ends: its session goes, and nothing more is recorded."""
    mailer = Killable(driver_dsn(engine.url), server, width=2)
    run = asyncio.create_task(mailer.run())
    while not run.done() and not server.kill.is_set():
        await asyncio.sleep(0.001)
    if server.kill.is_set():
        run.cancel()
        for task in mailer._in_hand.values():
            task.cancel()
        server.ended.set()
        await asyncio.wait([run])
    else:
        await run
    server.kill.clear()
    server.ended.clear()


def machine(engine: sa.Engine) -> type[RuleBasedStateMachine]:
    class Deliveries(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.server = Server()
            self.ordered = 0
            with engine.begin() as connection:
                connection.execute(
                    sa.text("TRUNCATE report_deliveries, report_subscriptions, alerts, alert_conditions CASCADE")
                )
                connection.execute(reports.delete().where(reports.c.revision > 1))

        @rule(receiver=st.sampled_from(PEOPLE), corrections=st.booleans())
        def somebody_subscribes_or_ends_it(self, receiver: str, corrections: bool) -> None:
            with engine.begin() as connection:
                for one in subscriptions.active(connection):
                    if one.receiver == receiver:
                        subscriptions.unsubscribe(connection, one.id, by="lin")
                        return
                subscriptions.subscribe(
                    connection, "daily", receiver, language="zh", by="lin", formats=(), corrections=corrections
                )

        @rule()
        def a_revision_is_made(self) -> None:
            names = [column for column in reports.c if column.name not in ("id", "revision", "made_at")]
            newest = sa.select(*names, reports.c.revision + 1, sa.literal(days.now(), sa.DateTime(timezone=True))).order_by(
                reports.c.revision.desc()
            )
            with engine.begin() as connection:
                into = [*(column.name for column in names), "revision", "made_at"]
                connection.execute(reports.insert().from_select(into, newest.limit(1)))
                plan(connection, domain="centre.example")

        @rule(events=st.lists(st.sampled_from(EVENTS), max_size=5))
        def a_process_delivers(self, events: list[str]) -> None:
            self.server.events = iter(events)
            self.goes_on()
            asyncio.run(delivered(engine, self.server))

        @rule()
        def a_process_ends_while_it_composes(self) -> None:
            self.goes_on()
            self.server.composing_kills = True
            asyncio.run(delivered(engine, self.server))
            self.server.composing_kills = False
            with engine.connect() as connection:
                assert "sending" not in store.open_counts(connection)

        def goes_on(self) -> None:
            wait_until(self.nothing_in_hand)
            with engine.begin() as connection:
                plan(connection, domain="centre.example")

        def nothing_in_hand(self) -> bool:
            """The session of a process that was killed ends some time after its connection."""
            with engine.begin() as connection:
                store.mark_orphans_unknown(connection)
                return "sending" not in store.open_counts(connection)

        @rule(as_=st.sampled_from(("looked", "abandoned")))
        def a_person_settles_what_is_unknown(self, as_: str) -> None:
            with engine.begin() as connection:
                for one in store.listed(connection, Selection(states=("unknown",)), limit=1):
                    looked = "done" if self.server.arrived[one.message_id] else "retry"
                    decision = looked if as_ == "looked" else "abandoned"
                    decisions.settle(connection, Selection((one.id,)), as_=decision, by="lin", why="looked")  # type: ignore[arg-type]

        @rule(receiver=st.sampled_from(PEOPLE))
        def a_person_orders_it_again(self, receiver: str) -> None:
            with engine.begin() as connection:
                ended = Selection(receiver=receiver)
                for one in store.listed(connection, ended, limit=1):
                    if one.state in ("sent", "refused", "dead", "abandoned"):
                        self.ordered += 1
                        decisions.resend(connection, PERIOD, receiver, by="lin", why=f"order {self.ordered}")

        @rule()
        def time_passes(self) -> None:
            with engine.begin() as connection:
                connection.execute(sa.text("UPDATE report_deliveries SET due_at = due_at - interval '3 hours'"))

        @invariant()
        def no_mail_arrived_twice(self) -> None:
            assert not [name for name, count in self.server.arrived.items() if count > 1]

        @invariant()
        def states_are_true_and_attempts_have_one_message_id_an_order(self) -> None:
            c = report_deliveries.c
            with engine.connect() as connection:
                rows = connection.execute(sa.select(c.id, c.revision, c.receiver, c.state, c.message_id, c.history)).all()
            assert len({(row.revision, row.receiver.lower()) for row in rows}) == len(rows)
            for row in rows:
                arrived = self.server.arrived[row.message_id]
                wanted = {"sent": 1, "pending": 0, "refused": 0, "dead": 0}.get(row.state, arrived)
                assert arrived == wanted, (row.state, arrived)
                orders = sum(entry["to"] == "pending" and "order" in entry["why"] for entry in row.history)
                assert len(self.server.names.get(row.id, ())) <= 1 + orders

    return Deliveries


@pytest.mark.timeout(7200)
def test_deliveries_in_any_order(engine: sa.Engine) -> None:
    a_report(engine, [])
    few = settings(max_examples=8, stateful_step_count=16, deadline=None)
    with days.frozen(morning_after(SUNDAY, 5)):
        run_state_machine_as_test(machine(engine), settings=None if NIGHTLY else few)
