"""A day that does not pass the publishing gate is kept aside, whichever door read it, until a person or a read decides."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.gate import GateRules
from calling_pipeline.call_stats.grades import BUILT_IN, GradeWords
from calling_pipeline.call_stats.held import decisions
from calling_pipeline.call_stats.held import store as held_store
from calling_pipeline.call_stats.retention import prune
from calling_pipeline.call_stats.sync.job import SyncRules
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.task_ledger.ledger import find
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, truth

CALLS = "/task/cdr/all2"
TASKS = "/extension/agent/stat"


def spoil(guanke, rows=400, text="九元"):
    guanke.clear_faults()
    guanke.plant("unknown_grades", path=CALLS, times=None, rows=rows, text=text)


def rows_of(engine, statement):
    with engine.connect() as connection:
        return connection.execute(sa.text(statement)).all()


def condition(engine, name):
    found = rows_of(engine, f"SELECT failing FROM alert_conditions WHERE name = '{name}:{YESTERDAY}'")
    return found[0].failing if found else None


def stored(engine):
    return rows_of(engine, "SELECT * FROM call_records ORDER BY id"), rows_of(
        engine, "SELECT * FROM agent_ranking ORDER BY date, agent_id"), rows_of(
        engine, "SELECT * FROM hourly_orders ORDER BY date, hour")  # fmt: skip


def test_a_day_of_renamed_grades_is_held_and_everything_published_stands(sync, guanke, engine):
    """Grades became 九元 at the vendor: a day fell from 88 orders to none and was answered as complete."""
    (before,) = sync("grade")
    kept = stored(engine)
    spoil(guanke)
    (after,) = sync("grade")
    assert (after.outcome, after.stats.total_success) == ("held", before.stats.total_success)
    assert (after.reasons[0].rule, after.reasons[0].severity) == ("unknown_grades", "hold")
    assert "九元" in after.reasons[0].sentence
    assert stored(engine) == kept
    with engine.connect() as connection:
        shown = store.read_grade_day(connection, YESTERDAY)
        assert shown.proof == before.proof
        assert shown.held.reasons[0]["rule"] == "unknown_grades"
        (held,) = held_store.held(connection)
    assert held.numbers["total_records"] == before.stats.total_records
    assert rows_of(engine, "SELECT count(*) FROM held_call_records")[0].count == before.stats.total_records
    assert condition(engine, "held:grade") is True


def test_the_next_good_read_closes_it_by_itself(sync, guanke, engine):
    sync("grade")
    for _ in range(2):
        spoil(guanke)
        sync("grade")
    guanke.clear_faults()
    (good,) = sync("grade")
    assert (good.outcome, good.stats.held) == ("stored", None)
    assert [row.state for row in rows_of(engine, "SELECT state FROM held_days")] == ["replaced", "replaced"]
    assert rows_of(engine, "SELECT count(*) FROM held_call_records")[0].count == 0
    assert condition(engine, "held:grade") is False
    titles = [row.title.split(":")[0] for row in rows_of(engine, "SELECT title FROM alerts ORDER BY id")]
    assert titles == ["Failing", "Recovered"]


def test_a_person_publishes_a_held_day_and_the_decision_is_kept(sync, guanke, engine):
    (before,) = sync("grade")
    spoil(guanke)
    (read,) = sync("grade")
    with engine.begin() as connection:
        done = decisions.publish(connection, read.stats.held.id, by="ling", why="the vendor confirms it")
    with engine.connect() as connection:
        cached = store.read_grade_day(connection, YESTERDAY)
        task = find(connection, f"held_day:{done.id}")
        agents = store.read_agents(connection, YESTERDAY)
    assert (cached.total_success, cached.total_records) == (
        done.numbers["grade_9"] + done.numbers["grade_1"],
        before.stats.total_records,
    )
    assert sum(agent.orders for agent in agents) == cached.total_success < before.stats.total_success
    assert (cached.held, cached.proof.fetch_number, cached.complete) == (None, read.proof.fetch_number, True)
    assert {warning["rule"] for warning in cached.proof.warnings} >= {"unknown_grades", "published_by"}
    assert (done.state, done.closed_by, done.closing_reason) == ("published", "ling", "the vendor confirms it")
    assert (task.state, task.details["why"], task.created_by) == ("completed", "the vendor confirms it", "ling")
    assert task.details["numbers_before"]["grade_9"] == before.stats.grade_9
    assert task.details["numbers_after"]["grade_9"] == cached.grade_9
    assert condition(engine, "held:grade") is False


def test_a_decision_holds_for_later_reads_that_look_the_same(sync, guanke, engine):
    sync("grade")
    spoil(guanke, rows=100)
    (read,) = sync("grade")
    with engine.begin() as connection:
        decisions.publish(connection, read.stats.held.id, by="ling", why="these words are no orders")
    (again,) = sync("grade")
    assert again.outcome == "stored"
    assert "unknown_grades" in {warning["rule"] for warning in again.stats.proof.warnings}
    spoil(guanke, rows=500, text="另一个词")
    assert sync("grade")[0].outcome == "held"


def test_a_discarded_day_changes_nothing_and_is_judged_anew(sync, guanke, engine):
    (before,) = sync("grade")
    spoil(guanke)
    (read,) = sync("grade")
    with engine.begin() as connection:
        done = decisions.discard(connection, read.stats.held.id, by="ling", why="the vendor repairs it")
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY) == before.stats
    assert (done.state, rows_of(engine, "SELECT count(*) FROM held_call_records")[0].count) == ("discarded", 0)
    assert condition(engine, "held:grade") is False
    assert sync("grade")[0].outcome == "held"


def test_a_decision_that_comes_too_late_or_without_a_reason_is_refused(sync, guanke, engine):
    sync("grade")
    spoil(guanke)
    held_id = sync("grade")[0].stats.held.id
    with engine.begin() as connection, pytest.raises(InvalidInput, match="say why"):
        decisions.publish(connection, held_id, by="ling", why=" ")
    for decide in (decisions.publish, decisions.discard):
        with engine.begin() as connection, pytest.raises(InvalidInput, match="say who decides"):
            decide(connection, held_id, by=" ", why="the vendor confirms it")
    with engine.begin() as connection, pytest.raises(NotFound, match="held list"):
        decisions.publish(connection, held_id + 1, by="ling", why="x")
    guanke.clear_faults()
    sync("grade")
    for decide in (decisions.publish, decisions.discard):
        with engine.begin() as connection, pytest.raises(Conflict, match="was replaced"):
            decide(connection, held_id, by="ling", why="x")


def test_publishing_refuses_when_a_newer_read_has_been_published_since(sync, guanke, engine):
    (before,) = sync("grade")
    spoil(guanke)
    held_id = sync("grade")[0].stats.held.id
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE fetch_proofs SET fetch_number = fetch_number + 1000"))
        connection.execute(sa.text("UPDATE grade_stats_cache SET fetch_number = fetch_number + 1000"))
    with engine.begin() as connection, pytest.raises(Conflict, match="newer read"):
        decisions.publish(connection, held_id, by="ling", why="x")
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY).grade_9 == before.stats.grade_9


def test_a_task_day_whose_orders_the_other_track_denies_is_held_and_published_by_order(sync, guanke, engine):
    sync("grade")
    guanke.plant("wrong_value", path=TASKS, times=None, field="success_number", value=0)
    (held,) = sync("task")
    assert (held.outcome, held.stats) == ("held", None)
    assert held.reasons[0].rule == "tracks_orders"
    (ordered,) = sync("task", publish_held=True, by="ling")
    assert (ordered.outcome, ordered.stats.success_number) == ("stored", 0)
    assert "published_by" in {warning["rule"] for warning in ordered.stats.proof.warnings}
    states = rows_of(engine, "SELECT state, closed_by FROM held_days ORDER BY id")
    assert [(row.state, row.closed_by) for row in states] == [("replaced", None), ("published", "ling")]


def test_both_tracks_can_change_together_without_a_deadlock_of_the_gate(sync, guanke):
    """The second track is compared with the newest read of the first, which is held for disagreeing with the old second."""
    sync("grade")
    sync("task")
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=200)
    assert sync("grade")[0].outcome == "held"
    assert sync("task")[0].outcome == "stored"
    (grade,) = sync("grade")
    assert (grade.outcome, grade.stats.grade_9) == ("stored", truth(guanke)["grade_9"])


def test_a_day_that_was_never_published_is_held_and_nothing_is_stored(sync, guanke, engine, connection):
    spoil(guanke)
    (read,) = sync("grade")
    assert (read.outcome, read.stats) == ("held", None)
    assert rows_of(engine, "SELECT count(*) FROM call_records")[0].count == 0
    held, failed = store.read_notices(connection, "grade", YESTERDAY)
    assert (held.reasons[0]["rule"], failed) == ("unknown_grades", None)


def test_a_drop_against_the_same_weekdays_is_held_and_a_small_centre_is_not(sync, guanke):
    weeks = [YESTERDAY - dt.timedelta(weeks=n) for n in (2, 1)]
    sync("grade", *weeks)
    sync("task", *weeks)
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=100)
    assert {reason.rule for reason in sync("grade")[0].reasons} >= {"calls_dropped"}
    assert {reason.rule for reason in sync("task")[0].reasons} >= {"calls_dropped"}
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=1500)
    assert sync("grade")[0].outcome == "stored"


def test_words_and_limits_come_from_the_settings(sync, guanke):
    true = truth(guanke)
    spoil(guanke, rows=200, text="高意向")
    known = SyncRules(words=GradeWords({**BUILT_IN, "高意向": 0}))
    assert sync("grade", rules=known)[0].outcome == "stored"
    spoil(guanke, rows=200, text="高意向2026")
    assert (
        sync("grade", rules=SyncRules(gate=GateRules(severities={"unknown_grades": "off", "orders_lost": "off"})))[0].outcome
        == "stored"
    )
    guanke.clear_faults()
    assert sync("grade")[0].stats.grade_9 == true["grade_9"]


def test_full_width_grades_count_as_what_they_are(sync, guanke):
    (before,) = sync("grade")
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="９元", order=9, rows=30)
    (after,) = sync("grade")
    assert after.stats.grade_9 == truth(guanke)["grade_9"] > before.stats.grade_9
    assert after.reasons == ()


def test_an_incremental_read_that_does_not_pass_is_read_in_full_before_it_is_held(sync, guanke):
    today = days.today() - dt.timedelta(days=2)
    noon = dt.datetime.combine(today, dt.time(15), days.SHANGHAI)
    with days.frozen(noon):
        sync("grade", today, sync_type="today")
    spoil(guanke)
    with days.frozen(noon + dt.timedelta(minutes=10)):
        (held,) = sync("grade", today, sync_type="today")
    assert (held.outcome, held.proof.mode) == ("held", "full")


def test_held_days_go_with_the_call_records_of_their_day(sync, guanke, engine):
    spoil(guanke)
    sync("grade")
    with engine.begin() as connection:
        later = dt.datetime.combine(YESTERDAY + dt.timedelta(days=91), dt.time(3), days.SHANGHAI)
        assert prune(connection, now=later, cache_days=30, record_days=90).rows["held_days"] == 1
    assert rows_of(engine, "SELECT count(*) FROM held_call_records")[0].count == 0
