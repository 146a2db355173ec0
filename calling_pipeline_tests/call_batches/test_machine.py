"""A state machine of everything that can happen to batches, with the simulator's list of accepted calls as the judge."""

import asyncio
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from calling_pipeline import days
from calling_pipeline.at_most_once.settlement import Settlement
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.dependencies import dial_gateway
from calling_pipeline.call_batches.pushing import claims, runs
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.errors import CallingError
from calling_pipeline.vendors.dial_gateway import Push
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.support import NIGHTLY

POOL = 25
SPELLINGS = (lambda p: p, lambda p: f"+86 {p}", lambda p: f"{p}.0", lambda p: f"{p[:3]}-{p[3:]}", lambda p: f"0{p}")
TASKS = ("never again", "after no days")
FAULTS = (
    ("reset", True, {}), ("reset", False, {}), ("status", True, {"status": 502}), ("status", False, {"status": 500}),
    ("status", False, {"status": 503}), ("garbage", True, {}), ("refuse", False, {}),
)  # fmt: skip
_numbers = st.lists(st.tuples(st.integers(0, POOL - 1), st.sampled_from(SPELLINGS)), min_size=1, max_size=12)
_EMPTY = """
SET LOCAL session_replication_role = replica;
DELETE FROM call_log; DELETE FROM call_tasks; DELETE FROM call_history; DELETE FROM contact_attempts; DELETE FROM alerts;
DELETE FROM alert_conditions;
DELETE FROM call_batches; DELETE FROM calling_tasks; DROP SCHEMA IF EXISTS crm CASCADE
"""


def machine_on(engine: sa.Engine, app_settings, simulator) -> type[RuleBasedStateMachine]:
    class Batches(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            with engine.begin() as connection:
                for statement in _EMPTY.split(";"):
                    connection.exec_driver_sql(statement)
            simulator.clear_faults()
            self.desk = make_desk(engine, app_settings, simulator)
            self.desk.work_orders([phone(0)])
            self.desk.task(TASKS[0])
            self.desk.task(TASKS[1], recall_days=3)

        def batches(self) -> list[int]:
            return [row.id for row in self.desk.rows("SELECT id FROM call_batches ORDER BY id")]

        def pick(self, place: int) -> int | None:
            known = self.batches()
            return known[place % len(known)] if known else None

        @rule(numbers=_numbers)
        def orders_arrive(self, numbers) -> None:
            self.desk.work_orders([spell(phone(n)) for n, spell in numbers])

        @rule(task=st.sampled_from(TASKS))
        def plan(self, task) -> None:
            self.desk.plan(task)

        @rule(place=st.integers(0, 9), fault=st.none() | st.tuples(st.sampled_from(FAULTS), st.integers(1, 3)))
        def push(self, place, fault) -> None:
            batch = self.pick(place)
            if batch is None:
                return
            if fault is not None:
                (kind, after, options), times = fault
                simulator.plant(kind, path="/gateway", after=after, times=times, **options)
            try:
                runs.push(self.desk.dependencies(patience_s=3), batch)
            except CallingError:
                pass
            finally:
                simulator.clear_faults()

        @rule(place=st.integers(0, 9), claimed=st.integers(1, 6), sent=st.integers(0, 6))
        def a_process_dies(self, place, claimed, sent) -> None:
            """It took the batch over, claimed some calls, sent the first of them, and never wrote an outcome."""
            batch_id = self.pick(place)
            if batch_id is None:
                return
            lock, runner = batch_store.runner_lock(engine.url, batch_id), uuid.uuid4()
            assert lock.take()
            with engine.begin() as connection:
                batch = batch_store.batch(connection, batch_id)
                batch_store.start(connection, batch_id, runner, days.now())
            with engine.begin() as connection:
                ids = claims.take_distinct_ids(connection, claimed)
                claim = claims.claim_chunk(
                    connection, batch, policy_from(batch.policy), runner=runner, claim=str(uuid.uuid4()),
                    distinct_ids=ids, now=days.now(),
                )  # fmt: skip
            asyncio.run(self.send(claim.calls[:sent]))
            lock.free()

        async def send(self, calls) -> None:
            async with dial_gateway(self.desk.settings) as gateway:
                for call in calls:
                    await gateway.push(Push(call.distinct_id, call.phone))

        @rule(place=st.integers(0, 9), act=st.sampled_from([lifecycle.pause, lifecycle.resume, lifecycle.cancel]))
        def steer(self, place, act) -> None:
            batch = self.pick(place)
            if batch is None:
                return
            try:
                with engine.begin() as connection:
                    act(connection, batch)
            except CallingError:
                pass

        @rule()
        def orphaned_claims_are_found(self) -> None:
            lifecycle.recover(engine)

        @rule(share=st.integers(1, 3))
        def an_operator_settles_by_the_gateways_list(self, share) -> None:
            made = {call["distinct_id"] for call in self.desk.gateway_calls()}
            for row in self.desk.rows("SELECT id, distinct_id FROM call_tasks WHERE state = 'unknown' ORDER BY id")[::share]:
                settlement: Settlement = "done" if row.distinct_id in made else "retry"
                with engine.begin() as connection:
                    lifecycle.settle(connection, settlement, ids=[row.id], by="test")

        @invariant()
        def the_judge_agrees(self) -> None:
            self.desk.judge()

        @invariant()
        def every_row_is_accounted_for(self) -> None:
            for batch_id in self.batches():
                with engine.connect() as connection:
                    document = self.desk.reconciliation(batch_store.batch(connection, batch_id))
                assert (document["difference"], document["reasons_missing"]) == (0, 0)

    return Batches


@pytest.mark.timeout(3600)
def test_nothing_that_happens_to_batches_calls_anybody_twice_or_loses_a_call(engine, app_settings, simulator):
    chosen = settings(
        max_examples=60 if NIGHTLY else 5,
        stateful_step_count=40 if NIGHTLY else 20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine_on(engine, app_settings, simulator), settings=chosen)
