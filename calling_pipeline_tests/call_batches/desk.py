"""What tests of the call batches share: work orders, calling tasks, dependencies on the simulator, and the judge."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch, Outcome, Reconciliation, reconciliation
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks.records import CallingTask
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline_tests.support import LIMIT_S, Simulator, http

MAPPING = {"source_schema": "crm", "source_table": "work_orders", "mobile_phone": "mobile", "staff_name": "staff",
           "sys_name": "system", "order_type": "kind", "order_nums": "orders"}  # fmt: skip
ALL_DAY = {"preset": "list_only"}


def phone(number: int, prefix: str = "138") -> str:
    return f"{prefix}{number:08d}"


@dataclasses.dataclass
class Desk:
    """One operator's desk: a database, a simulator whose gateway starts with no calls, and the verbs."""

    engine: sa.Engine
    settings: Settings
    simulator: Simulator

    def work_orders(self, phones: Sequence[str | None], *, table: str = "work_orders", orders: Sequence[int] = ()) -> None:
        """Fill the customer's table (created when missing) with these numbers, in order."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS crm")
            connection.exec_driver_sql(
                f'CREATE TABLE IF NOT EXISTS crm."{table}" (mobile text, staff text, system text, kind text, orders integer)'
            )
            rows = [
                {"mobile": number, "staff": f"staff {place}", "orders": orders[place] if orders else 1}
                for place, number in enumerate(phones)
            ]
            insert = sa.text(f"INSERT INTO crm.\"{table}\" VALUES (:mobile, :staff, 'CRM', 'new', :orders)")
            if rows:
                connection.execute(insert, rows)

    def task(self, name: str = "new orders", **values: Any) -> CallingTask:
        given = {"name": name, "cron": "0 9 * * *", **MAPPING, "policy": ALL_DAY, "rate_per_s": 5000, **values}
        with self.engine.begin() as connection:
            return editing.add(connection, given)

    def plan(self, name: str = "new orders") -> Batch:
        return runs.plan_task(self.engine, name)

    def dependencies(self, **changes: Any) -> BatchDependencies:
        """The product's own dependencies; `changes` are fields of its limits."""
        runtime = Runtime(self.settings, engine=self.engine)
        made = BatchDependencies.from_runtime(runtime, by="test", patience_s=5)
        return dataclasses.replace(made, limits=dataclasses.replace(made.limits, **changes))

    def push(self, batch: Batch, **changes: Any) -> Batch:
        return runs.push(self.dependencies(**changes), batch.id)

    def run(self, name: str = "new orders", **changes: Any) -> Batch:
        return self.push(self.plan(name), **changes)

    def outcome(self, batch: Batch) -> Outcome:
        with self.engine.connect() as connection:
            return batch_store.outcome(connection, batch.id)

    def reconciliation(self, batch: Batch) -> Reconciliation:
        with self.engine.connect() as connection:
            return reconciliation(batch_store.batch(connection, batch.id), batch_store.outcome(connection, batch.id))

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(statement), values))

    def one(self, statement: str, **values: Any) -> Any:
        return self.rows(statement, **values)[0][0]

    def gateway_calls(self) -> list[dict[str, Any]]:
        """The simulator's own list of accepted calls: the judge."""
        return list(self.simulator.get("/gateway/_sim/calls"))

    def judge(self) -> None:
        """Nobody called twice, nothing of what the gateway did unknown to us, nothing claimed that it did not do."""
        called = Counter(call["phone"] for call in self.gateway_calls())
        assert [number for number, times in called.items() if times > 1] == [], "called twice"
        states = dict(
            tuple(row)
            for row in self.rows(
                "SELECT phone, string_agg(DISTINCT state, ',') FROM call_tasks WHERE state <> 'skipped' GROUP BY phone"
            )
        )
        for number in called:
            assert {"pushed", "unknown", "pushing"} & set(states[number].split(",")), f"a call is lost: {states[number]}"
        pushed = {row.phone for row in self.rows("SELECT phone FROM call_tasks WHERE state = 'pushed'")}
        assert pushed <= set(called), "a call in the books that the gateway never made"
        history = {row.phone for row in self.rows("SELECT phone FROM call_history")}
        logged = {row.phone for row in self.rows("SELECT phone FROM call_log WHERE outcome IN ('pushed', 'settled_pushed')")}
        assert history == logged
        assert pushed <= history
        assert self.simulator.get("/gateway/_sim/requests")["malformed"] == []


def make_desk(engine: sa.Engine, settings: Settings, simulator: Simulator) -> Desk:
    http.delete(simulator.url + "/gateway/_sim/calls").raise_for_status()
    gateway = {"gateway_url": simulator.url + "/gateway", "gateway_timeout_s": LIMIT_S, "gateway_rate_per_s": 5000,
               "gateway_event_code": "event", "gateway_target_obj_id": "target"}  # fmt: skip
    pointed = settings.model_copy(update=gateway)
    return Desk(engine, pointed, simulator)
