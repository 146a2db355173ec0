"""A hypothesis machine: any history of saves leaves the ledger as a plain model of it says."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from calling_pipeline.task_ledger import store
from calling_pipeline.task_ledger.facts.store import charge_differences
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import MOVES, STATES, TaskDetails

IDS = ("1", "2", "3")


def machine(engine):
    class Ledger(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            with engine.begin() as connection:
                connection.execute(sa.text("TRUNCATE task_ledger, task_charges, task_refusals"))
            self.tasks = {}
            self.charged = {}
            self.refused = 0

        @rule(
            task_id=st.sampled_from(IDS),
            state=st.sampled_from(STATES),
            credits=st.none() | st.integers(0, 3),
            free=st.none() | st.booleans(),
            details=st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2),
            commit=st.booleans(),
        )
        def save(self, task_id, state, credits, free, details, commit):
            with engine.connect() as connection:
                saved = save_task_details(connection, TaskDetails(task_id, "f", state, credits, free, details))
                if not commit:
                    connection.rollback()
                    return
                connection.commit()
            assert saved.outcome == self._model(task_id, state, credits, free, details)

        def _model(self, task_id, state, credits, free, details):
            known = self.tasks.get(task_id)
            if known is None:
                kept = {"state": state, "credits": credits or 0, "details": dict(details)}
                kept["free"] = free if free is not None else not kept["credits"]
                self.tasks[task_id] = kept
                self._charge(task_id)
                return "created"
            if state not in MOVES[known["state"]]:
                self.refused += 1
                return "refused"
            if known["state"] == "completed":
                self.refused += self._asks_another_amount(known, credits, free)
                return "unchanged"
            wanted = {
                "state": state,
                "credits": known["credits"] if credits is None else credits,
                "details": {**known["details"], **details},
            }
            moved = credits is not None and credits != known["credits"]
            wanted["free"] = free if free is not None else (credits == 0 if moved else known["free"])
            if wanted == known:
                return "unchanged"
            self.tasks[task_id] = wanted
            self._charge(task_id)
            return "updated"

        def _asks_another_amount(self, known, credits, free):
            paid = 0 if known["free"] else known["credits"]
            if free:
                return paid != 0
            if credits is None or (free is None and credits == known["credits"]):
                return False
            return credits != paid

        def _charge(self, task_id):
            task = self.tasks[task_id]
            if task["state"] == "completed" and not task["free"] and task["credits"]:
                self.charged[task_id] = task["credits"]

        @invariant()
        def the_ledger_is_as_the_model_says(self):
            with engine.connect() as connection:
                kept = {
                    t.task_id: {"state": t.state, "credits": t.credits, "details": t.details, "free": t.free}
                    for t in store.tasks(connection, feature=None, state=None, limit=100)
                }
                charged = dict(connection.execute(sa.text("SELECT task_id, credits FROM task_charges")).all())
                refused = len(store.refusals(connection, limit=10_000))
                assert charge_differences(connection) == []
            assert (kept, charged, refused) == (self.tasks, self.charged, self.refused)

    return Ledger


@pytest.mark.timeout(3600)
def test_any_history_of_saves_is_as_the_model_says(engine):
    run_state_machine_as_test(machine(engine))
