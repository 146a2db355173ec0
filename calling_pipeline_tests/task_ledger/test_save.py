"""Saving tasks: the moves, the charge, the refusals, and 64 savers at once."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.task_ledger import store
from calling_pipeline.task_ledger.facts.store import charge_differences
from calling_pipeline.task_ledger.ledger import find, save_task_details
from calling_pipeline.task_ledger.records import MOVES, STATES, TaskDetails
from calling_pipeline_tests.support import LIMIT_S


def save(connection, task_id="t1", state="pending", feature="export", **more):
    return save_task_details(connection, TaskDetails(task_id, feature, state, **more))


def charges(connection):
    return dict(connection.execute(sa.text("SELECT charged_act, credits FROM task_charges")).all())


@pytest.mark.parametrize("old", STATES)
@pytest.mark.parametrize("new", STATES)
def test_the_database_makes_exactly_the_moves_of_the_table(connection, old, new):
    assert save(connection, state=old).outcome == "created"
    saved = save(connection, state=new)
    if new in MOVES[old]:
        assert (saved.outcome, saved.state) == ("unchanged" if old == new else "updated", new)
        assert store.refusals(connection) == []
    else:
        assert (saved.outcome, saved.state) == ("refused", old)
        assert saved.reason == f"a {old} task cannot become {new}"
        assert [(one.from_state, one.to_state) for one in store.refusals(connection)] == [(old, new)]
    assert find(connection, "t1").state == saved.state


def test_the_table_of_moves_names_every_state():
    assert set(MOVES) == set(STATES) == set().union(*MOVES.values())


def test_a_refused_move_is_kept_with_who_when_and_why(connection):
    save(connection, state="completed")
    save(connection, state="failed", by="night shift")
    (refusal,) = store.refusals(connection, task_id="t1")
    assert (refusal.kind, refusal.from_state, refusal.to_state, refusal.refused_by) == (
        "transition",
        "completed",
        "failed",
        "night shift",
    )
    assert "cannot become failed" in refusal.reason
    assert refusal.refused_at is not None


def test_extra_data_is_merged_not_overwritten(connection):
    save(connection, details={"file": "a.csv", "rows": 1})
    assert save(connection, details={"rows": 2, "seconds": 0.5}).outcome == "updated"
    assert find(connection, "t1").details == {"file": "a.csv", "rows": 2, "seconds": 0.5}
    assert save(connection, details={"rows": 2}).outcome == "unchanged"


def test_a_repeat_of_completed_changes_nothing(connection):
    save(connection, state="completed", details={"rows": 1}, by="first")
    before = find(connection, "t1")
    assert save(connection, state="completed", details={"rows": 2}, by="second").outcome == "unchanged"
    after = find(connection, "t1")
    assert (after.details, after.updated_at, after.updated_by) == (before.details, before.updated_at, "first")


def test_credits_are_charged_once_on_completion(connection):
    assert save(connection, credits=5).charge == "none"
    assert save(connection, state="completed").charge == "charged"
    assert save(connection, state="completed", credits=5).charge == "kept"
    assert charges(connection) == {"t1": 5}


def test_a_failed_task_is_charged_only_when_it_completes_after_all(connection):
    save(connection, state="failed", credits=5)
    assert charges(connection) == {}
    save(connection, state="completed")
    assert charges(connection) == {"t1": 5}


def test_a_free_task_is_charged_nothing(connection):
    save(connection, credits=5, free=True)
    assert save(connection, state="completed", credits=5).charge == "none"
    assert charges(connection) == {}


def test_another_amount_after_completion_is_refused_and_kept(connection):
    save(connection, state="completed", credits=5)
    saved = save(connection, state="completed", credits=7, by="someone")
    assert (saved.outcome, saved.charge, saved.credits) == ("unchanged", "refused", 5)
    (refusal,) = store.refusals(connection)
    assert (refusal.kind, refusal.credits, refusal.refused_by) == ("charge", 7, "someone")
    assert charges(connection) == {"t1": 5}


def test_one_act_saved_under_two_task_ids_is_charged_once(connection):
    save(connection, "t1", "completed", credits=5, charge_key="report 7")
    second = save(connection, "t2", "completed", credits=5, charge_key="report 7")
    assert (second.outcome, second.charge) == ("created", "refused")
    assert charges(connection) == {"report 7": 5}
    assert charge_differences(connection) == []


def test_a_task_does_not_change_its_feature(connection):
    save(connection, feature="export")
    saved = save(connection, feature="import", state="completed")
    assert (saved.outcome, saved.state) == ("refused", "pending")
    assert "belongs to export" in (saved.reason or "")
    assert save(connection, feature="", state="completed").outcome == "updated"


def test_ids_are_compared_as_text(connection):
    assert save(connection, 123).outcome == "created"
    assert save(connection, "123").outcome == "unchanged"
    assert save(connection, " 123 ", "completed").outcome == "updated"
    assert find(connection, 123).task_id == "123"


@pytest.mark.parametrize("bad", ["", "   ", None, True, 1.5, [], "x" * 201, "a\x00b", "\ud800"])
def test_an_empty_null_or_odd_id_is_refused(connection, bad):
    with pytest.raises(InvalidInput, match="task_id"):
        save(connection, bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "done"),
        ("credits", -1),
        ("credits", 1.5),
        ("credits", True),
        ("details", [1]),
        ("details", {"a": float("nan")}),
        ("details", {"a": "\x00"}),
        ("details", {"a": {1, 2}}),
        ("details", {"a": "\udc00"}),
        ("feature", "x" * 500),
    ],
)
def test_what_cannot_be_kept_is_refused_by_field(connection, field, value):
    with pytest.raises(InvalidInput) as caught:
        save_task_details(connection, TaskDetails(**{"task_id": "t1", "feature": "f", "state": "pending", field: value}))
    assert caught.value.field == field


def test_a_text_that_looks_like_an_escape_is_kept(connection):
    save(connection, details={"path": r"C:\u0000", "text": "汉字 🟢"})
    assert find(connection, "t1").details == {"path": r"C:\u0000", "text": "汉字 🟢"}


def test_an_unknown_task_is_not_found(connection):
    with pytest.raises(NotFound, match="'nobody'"):
        find(connection, "nobody")


def at_once(engine, count, act):
    """Run `act(connection, number)` in `count` sessions that start together; their results.

    They are opened one after the other: all at once, the last would wait longer than a connection may take.
    """
    gate = threading.Barrier(count, timeout=LIMIT_S)

    def one(number, connection):
        gate.wait()
        with connection.begin():
            return act(connection, number)

    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        sessions = [stack.enter_context(engine.connect()) for _ in range(count)]
        return list(pool.map(one, range(count), sessions))


def test_64_sessions_create_one_task(engine):
    saved = at_once(engine, 64, lambda connection, n: save(connection, state="pending"))
    assert Counter(s.outcome for s in saved) == {"created": 1, "unchanged": 63}


def test_64_sessions_complete_a_paid_task_and_it_is_charged_once(engine):
    with engine.begin() as connection:
        save(connection, credits=5)
    saved = at_once(engine, 64, lambda connection, n: save(connection, state="completed", credits=5))
    assert Counter(s.outcome for s in saved) == {"updated": 1, "unchanged": 63}
    assert Counter(s.charge for s in saved) == {"charged": 1, "kept": 63}
    with engine.connect() as connection:
        assert charges(connection) == {"t1": 5}
        assert find(connection, "t1").saves == 65


def test_64_sessions_merge_their_details_and_none_is_lost(engine):
    at_once(engine, 64, lambda connection, n: save(connection, details={f"k{n}": n}))
    with engine.connect() as connection:
        assert find(connection, "t1").details == {f"k{n}": n for n in range(64)}


def test_64_sessions_of_mixed_moves_agree_on_one_history(engine):
    states = ("completed", "failed", "pending", "completed")
    saved = at_once(engine, 64, lambda connection, n: save(connection, state=states[n % 4], credits=3))
    outcomes = Counter(s.outcome for s in saved)
    with engine.connect() as connection:
        task = find(connection, "t1")
        refused = store.refusals(connection, limit=100)
    assert task.state == "completed"
    assert outcomes["created"] == 1
    assert outcomes["refused"] == len(refused)
    assert [s.charge for s in saved].count("charged") == 1


def test_two_sessions_charge_one_act_once(engine):
    saved = at_once(
        engine, 32, lambda connection, n: save(connection, f"t{n}", "completed", credits=2, charge_key="one act")
    )
    assert Counter(s.charge for s in saved) == {"charged": 1, "refused": 31}


def test_a_retry_after_a_lost_commit_acknowledgement_charges_nothing_more(engine):
    """The session dies after COMMIT took effect and before its acknowledgement was read."""
    with engine.connect() as connection:
        save(connection, state="completed", credits=5)
        raw = connection.connection.driver_connection
        raw.pgconn.send_query(b"COMMIT")
        with engine.connect() as other:
            while find_or_none(other) is None:
                other.rollback()
        raw.close()
        connection.invalidate()
    with engine.begin() as connection:
        again = save(connection, state="completed", credits=5)
    assert (again.outcome, again.charge) == ("unchanged", "kept")
    with engine.connect() as connection:
        assert charges(connection) == {"t1": 5}


def find_or_none(connection):
    return store.task(connection, "t1")


def acts(connection):
    return list(reversed(audit.entries(connection, act="ledger.*", limit=100)[0]))


def test_a_save_with_a_reason_is_kept_in_the_audit_log_with_what_it_changed(connection):
    save(connection, state="pending", credits=3, details={"rows": 9}, by="batches")
    assert acts(connection) == []
    save(connection, state="completed", details={"note": "call 13812340000"}, by="Ann", reason="done by 13812340000")
    (entry,) = acts(connection)
    assert (entry.act, entry.subject, entry.person, entry.reason) == ("ledger.edit", "task:t1", "Ann", "done by 138****0000")
    assert entry.before == {"state": "pending", "charged": None, "details": ["rows"]}
    assert entry.after == {"state": "completed", "charged": 3, "details": ["note", "rows"]}


def test_a_refused_save_with_a_reason_is_noted_as_refused(connection):
    save(connection, state="completed")
    assert save(connection, state="pending", by="Ann", reason="again, please").outcome == "refused"
    assert [(one.before, one.after) for one in acts(connection)] == [({}, {"refused": "pending"})]


def test_tasks_are_found_by_id_state_and_day_and_counted_up_to_a_limit(connection):
    for number in range(4):
        save(connection, f"batch:{number}", "completed" if number % 2 else "pending", "batches")
    save(connection, "notify:1")
    ids = [
        one.task_id
        for one in store.tasks(connection, feature=None, state=None, task_id="batch:*", order="id_down", limit=2, offset=1)
    ]
    assert ids == ["batch:2", "batch:1"]
    assert [one.task_id for one in store.tasks(connection, feature=None, state=None, task_id="notify:1", limit=9)] == [
        "notify:1"
    ]
    assert store.count_tasks(connection, 3, feature=None, state=None) == 3
    assert store.count_tasks(connection, 9, feature="batches", state="completed") == 2
    assert store.tasks(connection, feature=None, state=None, until=days.now() - dt.timedelta(days=1), limit=9) == []
