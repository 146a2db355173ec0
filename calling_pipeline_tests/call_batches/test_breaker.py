"""A gateway that takes nothing: the batch is paused after a few calls, with its words and the settings to look at."""

import json

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.alerts import store as alert_store
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.pushing.breaker import FEW, Breaker
from calling_pipeline.call_batches.records import BreakerRule
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.vendors.dial_gateway import PushAnswer
from calling_pipeline_tests.call_batches.desk import phone

DONE = PushAnswer("done", "0")
NUMBER = PushAnswer("refused", "2001", "number not in service")
ACCOUNT = PushAnswer("refused", "1003", "报文格式错误", about_account=True)
FAULT = PushAnswer("unknown", message="HTTP 500")
AWAY = PushAnswer("retry", message="HTTP 503")


def thousand(desk, simulator):
    desk.work_orders([phone(n) for n in range(1000)])
    desk.task()
    return desk.plan()


def sent(desk):
    return desk.one("SELECT count(*) FROM call_log")


def stopped(desk, batch):
    with desk.engine.connect() as connection:
        (found,) = alert_store.open_conditions(connection, "batch_stopped")
    assert found.name == f"batch_stopped:{batch.id}"
    return found.text


@pytest.mark.parametrize(
    ("kind", "options", "words", "state"),
    [
        ("refuse", {"resp_code": "401", "message": "appid错误 13800000001"}, ["401", "appid错误", "APP_ID"], "refused"),
        ("refuse", {"resp_code": "1003", "message": "报文格式错误"}, ["1003", "报文格式错误", "_EVENT_CODE"], "refused"),
        ("status", {"status": 400}, ["HTTP 400", "EVENT_CODE"], "failed"),
        ("status", {"status": 409}, ["HTTP 409"], "failed"),
        ("status", {"status": 413}, ["HTTP 413"], "failed"),
        ("status", {"status": 500}, ["HTTP 500", "CALLING_GATEWAY_URL"], "unknown"),
        ("garbage", {}, ["unreadable answer"], "unknown"),
    ],
)  # fmt: skip
def test_of_a_thousand_calls_that_all_end_badly_at_most_twenty_are_made(desk, simulator, kind, options, words, state):
    batch = thousand(desk, simulator)
    simulator.plant(kind, path="/gateway", times=None, **options)
    left = desk.push(batch)
    assert left.state == "paused"
    assert desk.outcome(batch).states == {state: sent(desk), "pending": 1000 - sent(desk)}
    assert sent(desk) <= 20
    text = stopped(desk, batch)
    for word in words:
        assert word in text
    assert "13800000001" not in text
    with pytest.raises(Conflict, match="paused"):
        desk.push(batch)


def test_unknown_outcomes_of_several_kinds_are_counted_together(desk, simulator):
    batch = thousand(desk, simulator)
    simulator.plant("status", path="/gateway", times=None, rate=0.5, status=500)
    simulator.plant("garbage", path="/gateway", times=None)
    assert desk.push(batch).state == "paused"
    assert desk.outcome(batch).count("unknown") <= 20


def test_after_a_resume_the_gateway_is_tried_anew_and_what_our_account_cost_is_called_by_a_persons_decision(desk, simulator):
    batch = thousand(desk, simulator)
    simulator.plant("refuse", path="/gateway", times=None, resp_code="1003", message="报文格式错误")
    desk.push(batch)
    first = desk.outcome(batch).count("refused")
    with desk.engine.begin() as connection:
        lifecycle.resume(connection, batch.id)
    assert desk.push(batch).state == "paused"
    second = desk.outcome(batch).count("refused") - first
    assert 0 < second <= 20, "a resume begins with few calls again"

    simulator.clear_faults()
    with desk.engine.begin() as connection:
        lifecycle.resume(connection, batch.id)
    assert desk.push(batch).state == "completed"
    refused = first + second
    assert desk.outcome(batch).states == {"pushed": 1000 - refused, "refused": refused}, "never called again by itself"
    reasons = {line.reason: line.rows for line in desk.plan().card.left_out}
    assert reasons == {"called_before": 1000 - refused, "account_refused": refused}, "not by another batch either"

    with desk.engine.begin() as connection:
        with pytest.raises(InvalidInput, match="reason"):
            lifecycle.requeue(connection, batch.id, reason=" ", by="ann")
        with pytest.raises(NotFound, match="code 9"):
            lifecycle.requeue(connection, batch.id, code="9", reason="mended", by="ann")
        assert lifecycle.requeue(connection, batch.id, reason="the event code was missing", by="ann") == refused
    assert desk.rows("SELECT person, act, subject, reason FROM audit_log WHERE act = 'batch.requeue'") == [
        ("ann", "batch.requeue", f"batch:{batch.id}", "the event code was missing")
    ]
    assert desk.push(batch).state == "completed"
    assert desk.outcome(batch).states == {"pushed": 1000}
    assert desk.one("SELECT count(*) FROM contact_attempts") == 1000
    assert desk.one("SELECT count(*) FROM gateway_refusals") == 0
    desk.judge()


def test_a_batch_too_small_for_the_breaker_alerts_that_our_account_was_refused(desk, simulator):
    desk.work_orders([phone(n) for n in range(8)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=None, resp_code="401", message="appid错误")
    batch = desk.run()
    assert (batch.state, desk.outcome(batch).states) == ("completed", {"refused": 8})
    with desk.engine.connect() as connection:
        (found,) = alert_store.open_conditions(connection, "batch_refused")
    assert "refused 8 calls of batch 1" in found.text
    simulator.clear_faults()
    with desk.engine.begin() as connection:
        assert lifecycle.requeue(connection, batch.id, reason="a new key", by="ann") == 8
        assert alert_store.open_conditions(connection, "batch_refused") == []
    assert desk.push(batch).state == "completed"
    desk.judge()


@pytest.mark.parametrize("calls", [10, 11])
def test_the_last_answer_of_a_batch_trips_the_breaker_too(desk, simulator, calls):
    desk.work_orders([phone(n) for n in range(calls)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=None, resp_code="1003")
    assert desk.run().state == "paused"


def test_a_number_refused_for_itself_is_called_again_only_when_its_code_is_named(desk, simulator):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=1, resp_code="9001", message="no credit")
    batch = desk.run()
    with desk.engine.begin() as connection:
        with pytest.raises(NotFound, match="our account"):
            lifecycle.requeue(connection, batch.id, reason="paid", by="ann")
        assert lifecycle.requeue(connection, batch.id, code="9001", reason="paid", by="ann") == 1
    assert desk.push(batch).state == "completed"
    assert desk.outcome(batch).states == {"pushed": 2}
    desk.judge()


def test_a_cancelled_batch_sets_its_numbers_free_and_is_not_requeued(desk, simulator):
    batch = thousand(desk, simulator)
    simulator.plant("refuse", path="/gateway", times=None, resp_code="401", message="appid/appkey错误")
    desk.push(batch)
    with desk.engine.begin() as connection:
        lifecycle.cancel(connection, batch.id)
        with pytest.raises(Conflict, match="cancelled"):
            lifecycle.requeue(connection, batch.id, reason="mended", by="ann")
    assert desk.plan().card.to_call == 1000


def test_a_requeued_number_that_is_open_in_another_batch_stays_where_it_is(desk, simulator):
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=1, resp_code="9001", message="no credit")
    first = desk.run()
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM gateway_refusals")
    second = desk.plan()
    assert second.card.to_call == 1
    with desk.engine.begin() as connection, pytest.raises(NotFound):
        lifecycle.requeue(connection, first.id, code="9001", reason="paid", by="ann")


def test_while_a_batch_is_planned_nothing_is_requeued(desk, simulator):
    """Else a number could be open in the new batch and in the old one, whose statement does not see it yet."""
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=1, resp_code="401")
    batch = desk.run()
    with desk.engine.begin() as planning, desk.engine.begin() as connection:
        locks.hold(planning, "call batches", "planning")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            lifecycle.requeue(connection, batch.id, reason="mended", by="ann")
        connection.rollback()


def test_refusals_between_accepted_calls_pause_nothing(desk, simulator):
    desk.work_orders([phone(n) for n in range(200)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=None, rate=0.2)
    batch = desk.run()
    assert batch.state == "completed"
    assert desk.outcome(batch).count("pushed", "refused") == 200


def test_what_the_gateway_says_about_our_account_is_a_setting(desk, simulator):
    desk.settings = desk.settings.model_copy(update={"gateway_account_codes": ["7777"]})
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=1, resp_code="7777")
    desk.run()
    assert desk.rows("SELECT about, code FROM gateway_refusals") == [("account", "7777")]
    assert {line.reason for line in desk.plan().card.left_out} == {"account_refused"}


def heeded(breaker, *answers, at_s=0.0):
    for place, answer in enumerate(answers):
        breaker.heed(answer, sent_s=at_s + place, now_s=at_s + place + 0.5)
    return breaker


def test_ten_alike_in_a_row_trip_and_nine_do_not():
    rule = BreakerRule()
    assert heeded(Breaker(rule), *[NUMBER] * 9).tripped is None
    assert "10 calls in a row with code 2001: number not in service" in heeded(Breaker(rule), *[NUMBER] * 10).tripped
    assert heeded(Breaker(rule), *[NUMBER] * 9, DONE, *[NUMBER] * 9).tripped is None
    assert heeded(Breaker(rule), *[NUMBER] * 9, AWAY, NUMBER).tripped is not None, "what was not taken says nothing"


def test_refusals_by_turns_trip_by_their_share_of_the_window():
    breaker = heeded(Breaker(BreakerRule()), *[NUMBER, ACCOUNT] * 9, NUMBER)
    assert breaker.tripped is None
    heeded(breaker, ACCOUNT, at_s=50)
    assert "10 calls of the last 20" in str(breaker.tripped)


def test_what_was_in_flight_when_a_good_gateway_began_to_fail_counts_once():
    breaker = Breaker(BreakerRule())
    breaker.heed(DONE, sent_s=0, now_s=1)
    for place in range(32):
        breaker.heed(FAULT, sent_s=2 + place / 100, now_s=5 + place / 100)
    assert breaker.tripped is None, "a gateway that is started anew breaks off what it had, once"
    assert heeded(breaker, *[FAULT] * 9, at_s=10).tripped is not None


@given(st.lists(st.sampled_from([NUMBER, ACCOUNT, FAULT, AWAY]), max_size=60))
def test_while_nothing_is_accepted_few_are_in_flight_and_never_more_than_the_rule_still_needs(answers):
    rule, breaker, spent = BreakerRule(), Breaker(BreakerRule()), 0
    for place, answer in enumerate(answers):
        if breaker.tripped:
            break
        assert 1 <= breaker.most_in_flight <= FEW
        breaker.heed(answer, sent_s=place, now_s=place + 0.5)
        spent += answer is not AWAY
        if not breaker.tripped and len({id(a) for a in answers[: place + 1]} - {id(AWAY)}) == 1:
            assert spent + breaker.most_in_flight <= rule.in_a_row
    assert breaker.most_in_flight is not None
    assert Breaker(rule).most_in_flight == FEW
    assert heeded(breaker, DONE, at_s=100).most_in_flight is None


def test_a_number_that_was_refused_is_left_out_within_its_window_and_the_card_adds_up(desk, simulator):
    desk.work_orders([phone(1), phone(2), phone(3)])
    desk.task()
    simulator.plant("refuse", path="/gateway", times=1, resp_code="2001")
    assert desk.run().state == "completed"
    batch = desk.plan()
    assert {line.reason: line.rows for line in batch.card.left_out} == {"called_before": 2, "refused_before": 1}
    assert batch.card.adds_up
    assert desk.push(batch).state == "completed"
    assert desk.reconciliation(batch)["difference"] == 0
    assert len(desk.gateway_calls()) == 2
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gateway_refusals SET refused_at = now() - interval '91 days'")
    assert desk.plan().card.to_call == 1
    desk.judge()


def test_a_task_may_have_a_window_of_its_own_for_refused_numbers(desk, simulator):
    desk.work_orders([phone(1)])
    desk.task(refused_days=0)
    simulator.plant("refuse", path="/gateway", times=1, resp_code="2001")
    desk.run()
    assert desk.plan().card.to_call == 1


def test_the_breaker_names_the_code_in_the_batchs_note_too(desk, simulator):
    batch = thousand(desk, simulator)
    simulator.plant("refuse", path="/gateway", times=None, resp_code="1003", message="报文格式错误")
    desk.push(batch)
    with desk.engine.connect() as connection:
        assert "code 1003: 报文格式错误" in batch_store.batch(connection, batch.id).note
    assert json.dumps(stopped(desk, batch))
