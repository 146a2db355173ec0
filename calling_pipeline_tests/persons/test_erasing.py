"""After an erasure the number is nowhere, nobody calls it again, and every count is what it was."""

import dataclasses
import threading

import pytest
import sqlalchemy as sa

from calling_pipeline.backups import going_on
from calling_pipeline.call_batches.batches import lifecycle
from calling_pipeline.call_batches.calls.archives import archiving
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.contact_policy import do_not_call, gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database.engine import make_engine
from calling_pipeline.days import now, today
from calling_pipeline.defs.call_batches.checks import BATCH_CHECKS, HISTORY_CHECKS
from calling_pipeline.errors import CallingError, ConfigurationError, Conflict, InvalidInput
from calling_pipeline.persons import erasing, finding
from calling_pipeline.persons.records import ARCHIVED
from calling_pipeline_tests.call_batches.desk import ALL_DAY
from calling_pipeline_tests.canary import PHONES, in_columns
from calling_pipeline_tests.support import join_all

GONE, STAYS, THIRD, OTHER = PHONES[:4]
WHY = "letter of 30 November"


def erase(desk, deps, phone=GONE):
    with desk.engine.begin() as connection:
        return erasing.erase(connection, deps, phone, by="Li Wei", reason=WHY)


def where(desk, phone=GONE):
    """The columns of ours in which the number still stands."""
    return sorted(name for name, found in in_columns(desk.engine) if phone in found and name.startswith("public."))


def verdict(desk, phone):
    with desk.engine.begin() as connection:
        return gate.check(connection, Attempt(phone, "call_batches", "ref", now()), policy_from(ALL_DAY))


def figures(desk):
    """What reports and pages count."""
    return [
        desk.rows("SELECT state, reason, count(*), count(DISTINCT phone) FROM call_tasks GROUP BY 1, 2 ORDER BY 1, 2"),
        desk.rows("SELECT outcome, count(*), count(DISTINCT phone) FROM call_log GROUP BY 1 ORDER BY 1"),
        desk.rows("SELECT count(*), sum(calls), min(first_called_at), max(last_called_at) FROM call_history"),
        desk.rows("SELECT room, count(*), count(DISTINCT phone) FROM contact_attempts GROUP BY 1"),
        desk.rows("SELECT source, count(*) FROM do_not_call GROUP BY 1 ORDER BY 1"),
    ]


def broken(desk):
    """Names of the checks of batches and history that fail today."""
    with desk.engine.begin() as connection:
        day, past = fact_store.day_facts(connection, today()), fact_store.history_facts(connection, today())
    found = [check.name for check in BATCH_CHECKS if not check.judge(day).passed]
    return found + [check.name for check in HISTORY_CHECKS if not check.judge(past).passed]


@pytest.fixture
def called(desk):
    """A batch in which three people were called; one of them stands on the list since, and was refused before."""
    desk.work_orders([GONE, f"+86 {GONE}", STAYS, THIRD, f"{GONE}/{OTHER}"])
    desk.task()
    batch = desk.run()
    assert batch.state == "completed"
    with desk.engine.begin() as connection:
        do_not_call.add(connection, GONE, source="complaint", note=f"asked by {GONE}", by="Li Wei")
        do_not_call.remove(connection, GONE, source="complaint", by="Li Wei", reason=f"{GONE} asked again")
    return batch


def test_the_number_is_nowhere_and_every_figure_is_what_it_was(desk, deps, called):
    before, checks, zero = figures(desk), broken(desk), desk.reconciliation(called)
    assert where(desk)
    made = erase(desk, deps)
    assert where(desk) == []
    assert where(desk, STAYS)
    assert figures(desk) == before
    assert broken(desk) == checks == []
    assert desk.reconciliation(called) == zero
    rows = {one["place"]: one["rows"] for one in made.document["erased"]}
    assert rows["call_tasks"] == 2
    assert rows["call_tasks, odd spellings"] == 1
    assert rows["call_history"] == rows["call_log"] == 1
    assert rows["do_not_call_history"] == 2


def test_nobody_who_was_erased_is_called_again_whatever_the_recall_window(desk, deps, called):
    made = erase(desk, deps)
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE calling_tasks SET recall_days = 0")
    preview = runs.preview_task(desk.engine, "new orders")
    batch = desk.run()
    assert {line.reason: line.rows for line in batch.card.left_out}["do_not_call"] == 1
    assert preview == batch.card
    calls = [call["phone"] for call in desk.gateway_calls()]
    assert calls.count(GONE) == 1, "called once, before the erasure"
    assert calls.count(STAYS) == 2
    assert where(desk) == [], "planning stored the number again"
    assert not verdict(desk, GONE).allowed
    assert "erasure" in verdict(desk, GONE).reason
    assert verdict(desk, STAYS).allowed
    assert made.document["token"].startswith("erased:")


def test_a_waiting_call_is_skipped_and_the_batch_adds_up(desk, deps):
    desk.work_orders([GONE, STAYS])
    desk.task()
    batch = desk.plan()
    made = erase(desk, deps)
    assert made.document["skipped"] == 1
    batch = desk.push(batch)
    assert batch.state == "completed"
    assert [call["phone"] for call in desk.gateway_calls()] == [STAYS]
    assert desk.reconciliation(batch)["difference"] == 0


@pytest.mark.parametrize("state", ["pushing", "unknown"])
def test_a_call_that_is_made_or_unknown_refuses_the_erasure_and_changes_nothing(desk, deps, called, state):
    with desk.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE call_tasks SET state = :s WHERE phone = :p AND state = 'pushed'"), {"s": state, "p": GONE}
        )
    before = where(desk)
    with pytest.raises(Conflict, match=f"call 1 of batch 1 is {state}") as refused:
        erase(desk, deps)
    assert GONE not in str(refused.value)
    assert where(desk) == before
    assert verdict(desk, GONE).allowed


def test_nobody_is_called_after_an_erasure_that_runs_beside_planning_and_pushing(desk, deps):
    desk.work_orders(PHONES[:40])
    desk.task()
    ended, wrong = threading.Event(), []
    erased_when: dict[str, int] = {}

    def call() -> None:
        try:
            desk.run()
        except CallingError as error:
            wrong.append(error)
        finally:
            ended.set()

    caller = threading.Thread(target=call)
    caller.start()
    for phone in PHONES[:40:4]:
        try:
            erase(desk, deps, phone)
        except Conflict:
            continue  # its call was being made at that moment
        erased_when[phone] = len([call for call in desk.gateway_calls() if call["phone"] == phone])
    join_all(caller)
    assert ended.is_set()
    assert wrong == []
    for _ in range(2):
        with desk.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE calling_tasks SET recall_days = 0")
        desk.run()
    calls = [call["phone"] for call in desk.gateway_calls()]
    assert erased_when
    assert {phone: calls.count(phone) for phone in erased_when} == erased_when, "called after the erasure"
    assert [name for name, found in in_columns(desk.engine) if found & set(erased_when) and name.startswith("public.")] == []


def test_who_comes_again_after_an_erasure_can_be_erased_again(desk, deps, called):
    first = erase(desk, deps)
    with desk.engine.begin() as connection:
        do_not_call.add(connection, GONE, source="complaint", note="again", by="Li Wei")
        connection.execute(sa.text(
            "INSERT INTO call_history (phone, first_called_at, last_called_at, calls, origin, imported_calls)"
            " VALUES (:p, now(), now(), 2, 'imported', 2)"), {"p": GONE})  # fmt: skip
    second = erase(desk, deps)
    assert second.document["token"] == first.document["token"]
    assert where(desk) == []
    assert desk.rows("SELECT calls, imported_calls FROM call_history WHERE phone LIKE 'erased:%'") == [(3, 2)]
    with desk.engine.begin() as connection:
        assert finding.preview(connection, deps, GONE).erased_before == [2, 1]


def test_a_connection_without_the_key_contacts_nobody(desk, deps, called):
    erase(desk, deps)
    bare = make_engine(desk.engine.url)
    try:
        with bare.begin() as connection, pytest.raises(ConfigurationError, match="no number may be contacted"):
            gate.check(connection, Attempt(STAYS, "call_batches", "ref", now()), policy_from(ALL_DAY))
    finally:
        bare.dispose()


def test_a_certificate_stays_as_it_was_made(desk, deps, called):
    made = erase(desk, deps)
    with desk.engine.begin() as connection:
        assert erasing.certificate(connection, made.id) == made
        assert GONE not in "\n".join(erasing.lines_of(made))
        assert made.document["reason"] == WHY
        [act] = connection.execute(sa.text("SELECT person, subject, after FROM audit_log WHERE act = 'person.erase'"))
        assert act.person == "Li Wei"
        assert act.after["rows"]["call_history"] == 1
    with pytest.raises(sa.exc.DatabaseError, match="only ever added"), desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE person_certificates SET made_by = 'somebody'")
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE person_certificates DISABLE TRIGGER ALL")
        connection.exec_driver_sql("UPDATE person_certificates SET document = document || '{\"skipped\": 7}'")
        with pytest.raises(Conflict, match="not as it was made"):
            erasing.certificate(connection, made.id)


def test_the_call_log_can_be_changed_by_an_erasure_alone(desk, deps, called):
    erase(desk, deps)
    for statement in ("UPDATE call_log SET phone = ''", "DELETE FROM call_log", "UPDATE audit_log SET person = ''"):
        with pytest.raises(sa.exc.DatabaseError, match="only ever added"), desk.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    for statement in ("DELETE FROM call_log", "UPDATE audit_log SET person = ''"):
        with pytest.raises(sa.exc.DatabaseError, match="only ever added"), desk.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL calling.erasing = 'on'; " + statement)


def test_an_erasure_needs_a_number_and_a_reason(desk, deps):
    with desk.engine.begin() as connection:
        with pytest.raises(InvalidInput, match="needs a reason"):
            erasing.erase(connection, deps, GONE, by="Li Wei", reason=" ")
        with pytest.raises(InvalidInput):
            erasing.erase(connection, deps, "nobody", by="Li Wei", reason=WHY)


def test_an_export_has_everything_about_the_person_and_nothing_of_others(desk, deps, called):
    with desk.engine.begin() as connection:
        found = finding.export(connection, deps, f"+86 {GONE}", by="Li Wei", reason=WHY)
    assert {"call_tasks", "call_log", "call_history", "contact_attempts", "do_not_call"} <= set(found["tables"])
    assert found["number"] == GONE
    assert STAYS not in str(found)
    assert len(found["tables"]["call_tasks"]["rows"]) == 2
    assert desk.one("SELECT count(*) FROM audit_log WHERE act = 'person.export'") == 1


def test_rows_of_old_batches_in_month_files_are_given_out_and_erased_too(desk, deps, called):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE call_batches SET day = day - 400")
    archives = dataclasses.replace(deps.archives, after_days=90)
    assert archiving.archive_due(desk.engine.begin, archives, today=today()).rows == 2
    with desk.engine.begin() as connection:
        assert len(finding.export(connection, deps, GONE, by="Li Wei")["tables"][ARCHIVED[0]]["rows"]) == 2
    made = erase(desk, deps)
    assert {one["place"]: one["rows"] for one in made.document["erased"]}[ARCHIVED[0]] == 2
    with desk.engine.begin() as connection:
        assert archiving.find(connection, archives, GONE, digits=GONE) == []
        assert len(archiving.find(connection, archives, made.document["token"])) == 1


def test_a_number_that_a_restored_system_learned_is_erased_from_the_attempts_too(desk, deps):
    for called, since in ((GONE, now()), (STAYS, now()), (GONE, now())):
        with desk.engine.begin() as connection:
            going_on.hold_everything(connection, since, by="ann")
            going_on.go_on_calling(connection, called_since=[HistoryRow(called)], by="ann", reason="the gateway's list")
    counted = "SELECT phone, count(*) FROM contact_attempts GROUP BY 1 ORDER BY 1"
    assert dict(map(tuple, desk.rows(counted))) == {GONE: 2, STAYS: 1}
    with desk.engine.begin() as connection:  # as versions before this one named them
        connection.exec_driver_sql(
            "UPDATE contact_attempts SET reference = 'restored:' || phone"
            " WHERE id IN (SELECT max(id) FROM contact_attempts GROUP BY phone)"
        )
    token = erase(desk, deps).document["token"]
    assert dict(map(tuple, desk.rows(counted))) == {token: 2, STAYS: 1}
    assert where(desk) == []


def test_a_refused_call_of_an_erased_person_is_not_requeued(desk, deps, simulator):
    desk.work_orders([GONE, STAYS])
    desk.task(policy={**ALL_DAY, "countries": None, "number_kinds": None})
    simulator.plant("refuse", path="/gateway", times=None, resp_code="401", message="appid错误")
    batch = desk.run()
    erase(desk, deps)
    simulator.clear_faults()
    with desk.engine.begin() as connection:
        assert lifecycle.requeue(connection, batch.id, reason="a new key", by="ann") == 1
    assert desk.push(batch).state == "completed"
    assert desk.rows("SELECT state FROM call_tasks ORDER BY source_row") == [("refused",), ("pushed",)]
