"""The real planner against a small model: whatever was pushed and came of it, a redial obeys its rule and all guards."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches.records import Batch
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import About, LogOutcome, Result
from calling_pipeline.call_batches.pushing import claims
from calling_pipeline.call_batches.records import CallState
from calling_pipeline.contact_policy import do_not_call, gate
from calling_pipeline.contact_policy.presets import LIST_ONLY, policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline_tests.call_batches.desk import Desk, phone
from calling_pipeline_tests.call_batches.test_redials import ended
from calling_pipeline_tests.support import NIGHTLY

NUMBERS = 8
RECALL = dt.timedelta(days=2)
POLICY = {"preset": "list_only", "rolling": [[3, "24h"]]}
RULES = {"not_connected": (4, 2), "busy": (1, 1), "short_talk": (2, 3)}
TEXTS = ["not_connected,after=4h,at-most=2", "busy,after=1h,at-most=1", "short_talk,below=10s,after=2h,at-most=3"]
OUTCOMES: dict[str, tuple[str, int | None, int, str, str | None]] = {
    # what came of a call: result, talk, order, hang-up, and the rule about it (None: none; waiting: not known)
    "nothing": ("", None, 0, "", "waiting"),
    "waiting": ("waiting", None, 0, "", "waiting"),
    "no_answer": ("not_connected", None, 0, "无人接听", "not_connected"),
    "busy": ("not_connected", None, 0, "占线", "busy"),
    "short": ("connected", 9, 0, "", "short_talk"),
    "long": ("connected", 10, 0, "", None),
    "ordered": ("connected", 5, 1, "", None),
    "not_dialled": ("not_dialled", None, 0, "", None),
}
PUSHES: dict[str, tuple[CallState, LogOutcome]] = {
    "pushed": ("pushed", "pushed"), "unknown": ("unknown", "unknown"), "refused": ("refused", "refused"),
}  # fmt: skip
_fresh = itertools.count(1)


@dataclass
class Number:
    """What the model knows of one number."""

    calls: list[tuple[str, dt.datetime]] = field(default_factory=list)
    contacts: list[dt.datetime] = field(default_factory=list)
    rule: str | None = "waiting"
    listed: bool = False
    refused: bool = False
    unknown: bool = False

    def verdict(self, task: str, now: dt.datetime) -> str:
        """`call`, `redial RULE`, or the reason why not."""
        said = self._history(task, now) if task == "ruled" else "call"
        if self.listed:
            return "do_not_call"
        if said not in ("call", *(f"redial {rule}" for rule in RULES)):
            return said
        if self.refused:
            return "refused_before"
        if self.unknown:
            return "open_elsewhere"
        if sum(at > now - dt.timedelta(days=1) for at in self.contacts) >= 3:
            return "rolling_cap"
        return said

    def _history(self, task: str, now: dt.datetime) -> str:
        recent = [call for call in self.calls if call[1] > now - RECALL]
        if not recent:
            return "call"
        if recent[-1][0] != task:
            return "called_before"
        if self.rule == "waiting":
            return "redial_waiting"
        if self.rule is None or any(by != task for by, _ in recent):
            return "called_before"
        after_hours, at_most = RULES[self.rule]
        if sum(by == task for by, _ in self.calls) - 1 >= at_most:
            return "redial_used_up"
        if max(self.contacts) + dt.timedelta(hours=after_hours) > now:
            return "redial_too_soon"
        return f"redial {self.rule}"


@dataclass(frozen=True)
class Round:
    """One batch: hours since the last, whose it is, of which numbers, what came of each; and what happened before."""

    hours: int
    task: str
    asked: list[int]
    pushes: list[str]
    outcomes: list[str]
    contacted: int | None
    listed: int | None


def rounds() -> st.SearchStrategy[list[Round]]:
    places = st.integers(0, NUMBERS - 1)
    one = st.builds(
        Round,
        st.sampled_from([0, 1, 2, 4, 5, 20, 49]),
        st.sampled_from(["ruled", "ruled", "ruled", "free"]),
        st.lists(places, unique=True, min_size=4),
        st.lists(st.sampled_from(["pushed"] * 12 + ["unknown", "refused"]), min_size=NUMBERS, max_size=NUMBERS),
        st.lists(st.sampled_from(list(OUTCOMES)), min_size=NUMBERS, max_size=NUMBERS),
        st.none() | places,
        st.none() | st.none() | st.none() | places,
    )
    return st.lists(one, min_size=4, max_size=6)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    yield
    days.set_clock(None)


@given(rounds())
@settings(max_examples=300 if NIGHTLY else 6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_plan_calls_and_redials_exactly_whom_the_model_allows(desk, history):
    run = next(_fresh)
    phones = [phone(run * 100 + place) for place in range(NUMBERS)]
    known = [Number() for _ in phones]
    names = {"ruled": f"ruled {run}", "free": f"free {run}"}
    at = dt.datetime(2026, 11, 1, 9, tzinfo=days.SHANGHAI)
    days.set_clock(lambda: at)
    table = f"orders {run}"
    _tasks(desk, table, names)
    for done in history:
        at += dt.timedelta(hours=done.hours, minutes=1)
        now = at
        days.set_clock(_stopped(now))
        _happen(desk, done, phones, known, now)
        with desk.engine.begin() as connection:
            connection.exec_driver_sql(f'TRUNCATE crm."{table}"')
        desk.work_orders([phones[place] for place in done.asked], table=table)
        batch = desk.plan(names[done.task])
        rows = desk.rows("SELECT phone, state, reason, redial, redial_of FROM call_tasks WHERE batch_id = :b", b=batch.id)
        said = {row.phone: row.reason or (f"redial {row.redial}" if row.redial_of else "call") for row in rows}
        assert said == {phones[place]: known[place].verdict(done.task, now) for place in done.asked}
        _push(desk, batch, done, phones, known, now)


def _stopped(now: dt.datetime) -> days.Clock:
    return lambda: now


def _tasks(desk: Desk, table: str, names: dict[str, str]) -> None:
    desk.work_orders([], table=table)
    desk.task(names["ruled"], source_table=table, recall_days=RECALL.days, policy=POLICY, redial=TEXTS)
    desk.task(names["free"], source_table=table, recall_days=0, policy=POLICY)


def _happen(desk: Desk, done: Round, phones: list[str], known: list[Number], now: dt.datetime) -> None:
    with desk.engine.begin() as connection:
        if done.contacted is not None:
            attempt = Attempt(phones[done.contacted], "telephony", str(uuid.uuid4()), now)
            assert gate.check_and_record(connection, attempt, LIST_ONLY).allowed or known[done.contacted].listed
            if not known[done.contacted].listed:
                known[done.contacted].contacts.append(now)
        if done.listed is not None:
            do_not_call.add(connection, phones[done.listed], source="complaint")
            known[done.listed].listed = True


def _push(desk: Desk, batch: Batch, done: Round, phones: list[str], known: list[Number], now: dt.datetime) -> None:
    """Claim and record as the runner does, with outcomes of the test's choice; then what came of the calls."""
    runner, claim = uuid.uuid4(), str(uuid.uuid4())
    with desk.engine.begin() as connection:
        assert batch_store.start(connection, batch.id, runner, now)
        ids = claims.take_distinct_ids(connection, NUMBERS)
        claimed = claims.claim_chunk(
            connection, batch, policy_from(batch.policy), runner=runner, claim=claim, distinct_ids=ids, now=now
        )
    assert len(claimed.calls) == batch.card.to_call
    results = []
    for call in claimed.calls:
        place = phones.index(call.phone)
        state, outcome = PUSHES[done.pushes[place]]
        about: About | None = "person" if state == "refused" else None
        results.append(Result(call, state, outcome, sent_at=now, answered_at=now, about=about))
        number = known[place]
        number.contacts.append(now)
        number.unknown, number.refused = state == "unknown", number.refused or state == "refused"
        if state == "pushed":
            number.calls.append(("ruled" if batch.redial else "free", now))
    with desk.engine.begin() as connection:
        call_store.record(connection, results, now=now, by="test")
    for call in claimed.calls:
        place = phones.index(call.phone)
        if done.pushes[place] == "pushed":
            result, talk_s, order_yuan, hangup, known[place].rule = OUTCOMES[done.outcomes[place]]
            if result:
                ended(desk, call.phone, result, talk_s=talk_s, order_yuan=order_yuan, hangup=hangup)
