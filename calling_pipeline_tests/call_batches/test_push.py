"""Pushing: what each answer does to a call, the gateway's bad days, pausing, caps, and batches that share numbers."""

import bisect
import datetime as dt
import random
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.pushing.claims import format_slot
from calling_pipeline.call_batches.pushing.rate_limit import PACE, Pacer
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline.errors import Busy, Conflict
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY, wait_until


def test_a_business_refusal_is_final_and_kept_with_its_code_and_message(desk, simulator):
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("refuse", path="/gateway", resp_code="2005", message="空号 13800000001")
    batch = desk.run()
    (row,) = desk.rows("SELECT state, reason, resp_code FROM call_tasks")
    assert (row.state, row.resp_code, row.reason) == ("refused", "2005", "空号 138****0001")
    assert desk.one("SELECT message FROM call_log") == "空号 138****0001"
    assert (batch.state, desk.one("SELECT count(*) FROM call_history")) == ("completed", 0)


def test_what_was_certainly_not_sent_is_sent_again_with_the_same_distinct_id(desk, simulator):
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("status", path="/gateway", status=503)
    simulator.plant("status", path="/gateway", status=429, retry_after=0)
    assert desk.run().state == "completed"
    log = desk.rows("SELECT attempt, outcome, distinct_id FROM call_log ORDER BY id")
    assert [(row.attempt, row.outcome) for row in log] == [(1, "not_sent"), (2, "not_sent"), (3, "pushed")]
    assert len({row.distinct_id for row in log}) == 1
    assert desk.one("SELECT count(*) FROM contact_attempts") == 1, "only the attempt that happened counts"
    desk.judge()


def test_a_call_the_gateway_never_takes_fails_in_the_end_while_others_go_on(desk, simulator):
    from calling_pipeline.call_batches.calls.records import Claimed
    from calling_pipeline.call_batches.pushing.outcomes import MOST_ATTEMPTS, result_of
    from calling_pipeline.vendors.dial_gateway import PushAnswer

    call = Claimed(1, phone(1), None, None, None, None, "20261123100000000", MOST_ATTEMPTS, "claim")
    now = days.now()
    answer = PushAnswer("retry", message="HTTP 429")
    assert result_of(call, answer, sent_at=now, answered_at=now, gateway_is_up=True).state == "failed"
    assert result_of(call, answer, sent_at=now, answered_at=now, gateway_is_up=False).state == "pending"


def test_a_gateway_that_is_away_for_a_while_loses_no_call(desk):
    desk.work_orders([phone(n) for n in range(10)])
    desk.task()
    batch = desk.plan()
    away = desk.settings.model_copy(update={"gateway_url": "http://127.0.0.1:9/gateway"})
    there, desk.settings = desk.settings, away
    left = desk.push(batch, patience_s=0.5)
    assert (left.state, left.note) == ("waiting", "the gateway takes no calls")
    assert desk.outcome(batch).states == {"pending": 10}
    assert desk.one("SELECT count(*) FROM contact_attempts") == 0
    desk.settings = there
    wait_until(lambda: desk.push(batch).state == "completed", every_s=0.3)
    assert len(desk.gateway_calls()) == 10
    desk.judge()


@pytest.mark.parametrize(
    ("kind", "options"), [("reset", {}), ("garbage", {}), ("status", {"status": 502}), ("hang", {"seconds": 10})]
)
def test_an_ambiguous_answer_makes_the_call_unknown_and_nobody_repeats_it(desk, simulator, kind, options):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    simulator.plant(kind, path="/gateway", after=True, times=1, **options)
    batch = desk.run()
    assert desk.outcome(batch).states == {"pushed": 1, "unknown": 1}
    assert desk.push(batch).state == "completed"
    assert len(desk.gateway_calls()) == 2
    again = desk.plan()
    reasons = {line.reason: line.rows for line in again.card.left_out}
    assert reasons == {"called_before": 1, "open_elsewhere": 1}, "an unsettled call keeps its number closed to other batches"
    desk.judge()


def test_a_settled_retry_is_sent_again_with_its_distinct_id_and_asks_the_policy_anew(desk, simulator):
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("reset", path="/gateway", times=1)
    batch = desk.run()
    assert desk.gateway_calls() == []
    with desk.engine.begin() as connection:
        done = lifecycle.settle(connection, "retry", batch_id=batch.id, by="test")
    assert (done.calls, done.batches) == (1, (batch.id,))
    assert desk.one("SELECT count(*) FROM contact_attempts") == 0
    assert desk.push(batch).state == "completed"
    outcomes = [row.outcome for row in desk.rows("SELECT outcome FROM call_log ORDER BY id")]
    assert outcomes == ["unknown", "settled_retry", "pushed"]
    assert desk.one("SELECT count(DISTINCT distinct_id) FROM call_log") == 1
    desk.judge()


def test_a_retry_settled_in_a_cancelled_batch_is_not_called(desk, simulator):
    desk.work_orders([phone(1)])
    desk.task()
    simulator.plant("reset", path="/gateway", times=1)
    batch = desk.plan()
    desk.push(batch)
    with desk.engine.begin() as connection:
        connection.execute(sa.text("UPDATE call_batches SET state = 'cancelled'"))
        lifecycle.settle(connection, "retry", batch_id=batch.id, by="test")
    assert desk.rows("SELECT state, reason FROM call_tasks")[0] == ("skipped", "cancelled")


def test_the_log_can_only_grow(desk):
    desk.work_orders([phone(1)])
    desk.task()
    desk.run()
    for statement in ("UPDATE call_log SET outcome = 'failed'", "DELETE FROM call_log", "TRUNCATE call_log"):
        with desk.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="only ever added"):
            connection.exec_driver_sql(statement)


def pushing(desk, batch, **changes) -> tuple[threading.Thread, list]:
    ended: list = []
    thread = threading.Thread(target=lambda: ended.append(desk.push(batch, **changes)))
    thread.start()
    return thread, ended


def test_a_pause_a_resume_and_a_cancellation_reach_the_process_that_pushes(desk):
    desk.work_orders([phone(n) for n in range(2000)])
    desk.task(rate_per_s=100)
    batch = desk.plan()
    thread, ended = pushing(desk, batch)
    wait_until(lambda: len(desk.gateway_calls()) > 30)

    with desk.engine.begin() as connection:
        lifecycle.pause(connection, batch.id)
    sent = len(desk.gateway_calls())
    wait_until(lambda: desk.outcome(batch).count("pushing") == 0)
    quiet = len(desk.gateway_calls())
    assert quiet == desk.outcome(batch).count("pushed"), "what was not sent was released"
    assert quiet - sent <= 3 * desk.dependencies().limits.concurrency, "only what was claimed before the pause"

    with desk.engine.begin() as connection:
        lifecycle.resume(connection, batch.id)
    wait_until(lambda: len(desk.gateway_calls()) > quiet)
    with desk.engine.begin() as connection:
        lifecycle.cancel(connection, batch.id)
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    assert ended[0].state == "cancelled"
    states = desk.outcome(batch).states
    assert set(states) == {"pushed", "skipped"}
    assert states["pushed"] == len(desk.gateway_calls())
    assert desk.one("SELECT count(*) FROM contact_attempts") == states["pushed"], "what was given back does not count"
    desk.judge()


def test_a_second_process_on_the_same_batch_is_refused(desk):
    desk.work_orders([phone(n) for n in range(200)])
    desk.task(rate_per_s=10)
    batch = desk.plan()
    thread, ended = pushing(desk, batch)
    wait_until(lambda: len(desk.gateway_calls()) > 5)
    with pytest.raises(Busy, match="another process"):
        desk.push(batch)
    with desk.engine.begin() as connection:
        lifecycle.cancel(connection, batch.id)
    thread.join(LIMIT_S)
    assert ended[0].state == "cancelled"
    desk.judge()


def test_a_paused_batch_is_not_pushed(desk):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.plan()
    with desk.engine.begin() as connection:
        lifecycle.pause(connection, batch.id)
    with pytest.raises(Conflict, match="resume"):
        desk.push(batch)
    assert desk.gateway_calls() == []


def test_the_policy_is_asked_again_at_the_moment_of_the_push(desk):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    batch = desk.plan()
    with desk.engine.begin() as connection:
        do_not_call.add(connection, phone(1), source="complaint")
    assert desk.push(batch).state == "completed"
    assert [call["phone"] for call in desk.gateway_calls()] == [phone(2)]
    assert desk.reconciliation(batch)["left_out"] == {"do_not_call": 1}
    assert desk.reconciliation(batch)["difference"] == 0


def test_a_number_over_its_cap_at_the_moment_of_the_push_is_skipped(desk):
    desk.work_orders([phone(1)])
    desk.task(policy={"preset": "list_only", "rolling": [[1, "24h"]]})
    batch = desk.plan()
    with desk.engine.begin() as connection:
        attempt = sa.text("INSERT INTO contact_attempts (phone, room, reference, at) VALUES (:p, 'telephony', 'x', :now)")
        connection.execute(attempt, {"p": phone(1), "now": days.now()})
    assert desk.push(batch).state == "completed"
    assert desk.gateway_calls() == []
    assert desk.reconciliation(batch)["left_out"] == {"rolling_cap": 1}


def test_a_short_gap_delays_a_call_instead_of_skipping_it(desk):
    desk.work_orders([phone(1)])
    desk.task(policy={"preset": "list_only", "minimum_gap_s": 2})
    batch = desk.plan()
    contacted_at = days.now()
    with desk.engine.begin() as connection:
        attempt = sa.text("INSERT INTO contact_attempts (phone, room, reference, at) VALUES (:p, 'telephony', 'x', :now)")
        connection.execute(attempt, {"p": phone(1), "now": contacted_at})
    assert desk.push(batch).state == "completed"
    assert desk.one("SELECT sent_at FROM call_log") - contacted_at >= dt.timedelta(seconds=2)
    assert len(desk.gateway_calls()) == 1


def test_work_stops_when_the_calling_hours_close_and_goes_on_when_they_open(desk):
    desk.work_orders([phone(n) for n in range(300)])
    desk.task(rate_per_s=10, policy={"hours": "08:00-21:00"})
    batch = desk.plan()
    evening = dt.datetime(2026, 11, 23, 20, 59, 59, tzinfo=days.SHANGHAI)
    days.set_clock(lambda: evening)
    thread, ended = pushing(desk, batch)
    wait_until(lambda: len(desk.gateway_calls()) >= 10)
    days.set_clock(lambda: evening + dt.timedelta(seconds=1))
    thread.join(LIMIT_S)
    (left,) = ended
    assert (left.state, left.note) == ("waiting", "outside the calling hours")
    assert left.resume_at == evening.replace(hour=8, minute=0, second=0) + dt.timedelta(days=1)
    states = desk.outcome(batch).states
    assert 10 <= states["pushed"] < 300
    assert states["pending"] == 300 - states["pushed"]
    with desk.engine.begin() as connection:
        connection.execute(sa.text("UPDATE call_batches SET rate_per_s = 5000"))
    days.set_clock(days.clock_starting_at(left.resume_at - dt.timedelta(seconds=1)))
    assert desk.push(batch).state == "completed"
    assert len(desk.gateway_calls()) == 300
    desk.judge()


def test_no_call_is_sent_when_the_hours_close_while_it_waits_for_its_turn(desk):
    """The call is claimed half a second before its turn; the hours close in between."""
    desk.work_orders([phone(n) for n in range(20)])
    desk.task(rate_per_s=0.5, policy={"hours": "08:00-21:00"})
    batch = desk.plan()
    evening = dt.datetime(2026, 11, 23, 20, 59, 59, tzinfo=days.SHANGHAI)
    closed = evening + dt.timedelta(seconds=1)
    days.set_clock(lambda: evening)
    thread, ended = pushing(desk, batch)
    wait_until(lambda: (seen := desk.outcome(batch)).count("pushed") and seen.count("pushing"))
    days.set_clock(lambda: closed)
    thread.join(LIMIT_S)
    assert ended[0].state == "waiting"
    assert [row.sent_at for row in desk.rows("SELECT sent_at FROM call_log WHERE sent_at >= :closed", closed=closed)] == []
    made = len(desk.gateway_calls())
    assert desk.outcome(batch).states == {"pushed": made, "pending": 20 - made}
    desk.judge()


def test_ten_batches_that_share_numbers_call_each_number_once(desk):
    each = 300 if NIGHTLY else 60
    shared = [phone(n, "139") for n in range(each * 3 // 10)]
    for k in range(10):
        own = [phone(k * each + n) for n in range(each - len(shared))]
        desk.work_orders(own + shared, table=f"orders_{k}")
        desk.task(f"task {k}", source_table=f"orders_{k}")
    failures = []

    def run(k: int) -> None:
        try:
            desk.run(f"task {k}", concurrency=8)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert failures == []
    called = [call["phone"] for call in desk.gateway_calls()]
    assert len(called) == len(set(called)) == 10 * (each - len(shared)) + len(shared)
    desk.judge()


def test_distinct_ids_are_17_digits_and_never_repeat_even_when_the_clock_goes_back(desk):
    from calling_pipeline.call_batches.pushing.claims import take_distinct_ids

    noon = dt.datetime(2026, 11, 23, 12, 0, tzinfo=days.SHANGHAI)
    with desk.engine.begin() as connection:
        with days.frozen(noon):
            first = take_distinct_ids(connection, 1500)
        with days.frozen(noon - dt.timedelta(hours=1)):
            second = take_distinct_ids(connection, 1500)
    assert len({*first, *second}) == 3000
    assert first[0] == "20261123120000000"
    assert first[1000] == "20261123120001000", "beyond a thousand per second it borrows from the next"
    for distinct_id in (*first, *second):
        assert len(distinct_id) == 17
        dt.datetime.strptime(distinct_id[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007
    assert format_slot(0) == "19700101080000000"


@pytest.mark.parametrize("rate", [3, 40, 100])
def test_no_second_has_more_than_the_rate(desk, rate):
    desk.work_orders([phone(n) for n in range(rate * 3)])
    desk.task(rate_per_s=rate)
    assert desk.run().state == "completed"
    sent = sorted(row.sent_at.timestamp() for row in desk.rows("SELECT sent_at FROM call_log"))
    worst = max(sum(1 for other in sent if start <= other < start + 1) for start in sent)
    assert worst <= rate * 1.05 + 1
    average = (len(sent) - 1) / (sent[-1] - sent[0])
    assert average <= rate * 1.05, "that it is not much slower, the benchmark asks of a quiet machine"


def test_the_pacer_keeps_equal_distances():
    pacer = Pacer(100)
    assert [pacer.wait_s(0.0) * PACE * 100 for _ in range(3)] == pytest.approx([0, 1, 2])
    assert pacer.ahead_s(0.0) == pytest.approx(3 / (PACE * 100))


@given(st.sampled_from([3.0, 40.0, 100.0, 1000.0]), st.lists(st.floats(0, 0.3), max_size=60), st.integers(0, 2**32))
def test_no_second_has_more_than_the_rate_and_5_percent_whatever_stalls(rate, stalls, seed):
    chance, pacer, now, sent = random.Random(seed), Pacer(rate), 0.0, []
    for _ in range(int(rate * 4)):
        now += pacer.wait_s(now) + chance.choice([0.0, 0.001, 0.002])
        if stalls and chance.random() < 0.05:
            now += stalls.pop()
        sent.append(now)
    fullest = max(bisect.bisect_left(sent, start + 1) - place for place, start in enumerate(sent))
    assert fullest <= max(rate * 1.05, rate + 1), "at a few a second one more may follow a send that was itself late"


def test_what_a_stall_cost_is_caught_up_in_the_end():
    pacer, now = Pacer(100), 0.0
    for send in range(4000):
        now += pacer.wait_s(now) + (0.1 if send % 1000 == 500 else 0.0)
    assert abs(now - 40 / PACE) < 0.4


def test_claims_read_the_index_of_pending_calls(connection):
    from calling_pipeline.call_batches.calls import store as call_store

    connection.execute(
        sa.text("""INSERT INTO call_tasks (batch_id, source_row, phone, state)
        SELECT 1 + n % 5, n, '138' || lpad(n::text, 8, '0'), CASE WHEN n % 2 = 0 THEN 'pushed' ELSE 'pending' END
        FROM generate_series(1, 20000) AS n""")
    )
    connection.execute(sa.text("ANALYZE call_tasks"))
    values = {"batch_id": 1, "now": days.now(), "recall_from": None, "limit": 32}
    plan = "\n".join(connection.execute(sa.text(f"EXPLAIN {call_store.DUE.text}"), values).scalars())
    assert "ix_call_tasks_pending" in plan


def test_batches_are_listed_newest_first(desk):
    desk.work_orders([phone(1)])
    desk.task()
    first, second = desk.plan(), desk.plan()
    with desk.engine.connect() as connection:
        assert [batch.id for batch in batch_store.latest_batches(connection)] == [second.id, first.id]
        assert batch_store.latest_batches(connection, task="other") == []


def test_what_is_left_of_a_batch_counts_calls_being_pushed_and_calls_that_wait(desk):
    desk.work_orders([phone(n) for n in range(4)])
    desk.task()
    batch = desk.plan()
    now = days.now()
    later = now + dt.timedelta(minutes=5)
    with desk.engine.begin() as connection:
        change = sa.text("UPDATE call_tasks SET state = :state, not_before = :at WHERE source_row = :row")
        connection.execute(change, {"state": "pushing", "at": None, "row": 1})
        connection.execute(change, {"state": "pushed", "at": None, "row": 2})
        connection.execute(change, {"state": "pending", "at": later, "row": 3})
        connection.execute(change, {"state": "pending", "at": later + dt.timedelta(minutes=1), "row": 4})
        assert call_store.open_calls(connection, batch.id, now) == (2, 1, later)
