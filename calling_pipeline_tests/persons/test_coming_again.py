"""An erased number that comes in again, door by door: nobody is called, nothing of it is stored, and figures stay right."""

import threading

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.contact_policy import do_not_call, gate, list_files
from calling_pipeline.contact_policy.erased import entering
from calling_pipeline.contact_policy.presets import LIST_ONLY
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database import locks
from calling_pipeline.days import now
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.persons import erasing
from calling_pipeline.task_ledger import ledger
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline.task_ledger.store_taking import OldTask, take_tasks
from calling_pipeline_tests.canary import PHONES, in_columns, spelled
from calling_pipeline_tests.support import WAITING, join_all

GONE, STAYS = PHONES[:2]


def erase(desk, deps, phone=GONE):
    with desk.engine.begin() as connection:
        return erasing.erase(connection, deps, phone, by="Li Wei", reason="a letter")


def where(desk, phone=GONE):
    return sorted(name for name, found in in_columns(desk.engine) if phone in found and name.startswith("public."))


def test_an_import_of_a_call_history_counts_them_under_their_token(desk, deps):
    made = erase(desk, deps)
    rows = [HistoryRow(spelled(GONE, 1), calls=2), HistoryRow(STAYS, calls=1), HistoryRow(GONE, calls=3)]
    for taken in (2, 0):
        with desk.engine.begin() as connection:
            report = import_history(connection, rows, source="old system", by="Li Wei")
        assert (report.taken, report.remarks["erased"]) == (taken, 2)
        assert GONE not in str(report)
    assert desk.rows("SELECT phone, calls FROM call_history ORDER BY calls") == [(STAYS, 1), (made.document["token"], 3)]
    assert where(desk) == []


def test_the_do_not_call_list_has_them_under_their_token_and_the_file_adds_up(desk, deps, tmp_path):
    made = erase(desk, deps)
    path = tmp_path / "list.csv"
    path.write_text(f"phone,note\n{spelled(GONE, 3)},asked by {GONE}\n{STAYS},\n")
    with desk.engine.begin() as connection:
        first = list_files.import_file(connection, path, source="authority", by="Li Wei")
        again = list_files.import_file(connection, path, source="authority", by="Li Wei")
        do_not_call.add(connection, GONE, source="complaint", note=f"from {GONE}", by="Li Wei")
    assert (first.new, first.rejected, again.unchanged) == (2, 0, 2)
    assert desk.rows("SELECT phone, note FROM do_not_call WHERE source = 'authority' ORDER BY phone") == [
        (STAYS, ""),
        (made.document["token"], ""),
    ]
    assert where(desk) == []


@pytest.mark.parametrize("spelling", [spelled(GONE, way) for way in (0, 1, 2, 3, 5)])
def test_a_text_is_masked_where_an_erased_number_stands_and_costs_nothing_where_none_does(desk, deps, spelling):
    with desk.engine.begin() as connection:
        assert entering.masked(connection, [f"call {spelling}"]) == [f"call {spelling}"], "nobody was erased"
    erase(desk, deps)
    with desk.engine.begin() as connection:
        [text] = entering.masked(connection, [f"call {spelling} or {STAYS}."])
        assert text == f"call {GONE[:3]}****{GONE[-4:]} or {STAYS}."
        with pytest.raises(InvalidInput, match="had their data erased"):
            entering.refuse(connection, GONE)
        entering.refuse(connection, STAYS)


def test_details_of_tasks_are_kept_with_the_number_masked_however_deep_and_by_whatever_door(desk, deps):
    mask = f"{GONE[:3]}****{GONE[-4:]}"
    details = {"said": f"call\n{spelled(GONE, 1)}", GONE: [int(GONE), {"to": (GONE, STAYS)}], "n": 3, "paid": True}
    erase(desk, deps)
    with desk.engine.begin() as connection:
        ledger.save_task_details(connection, TaskDetails("a", "export", "pending", details=details, by="program"))
        ledger.save_task_details(connection, TaskDetails("a", "export", "completed", details={"late": GONE}, by="program"))
        take_tasks(connection, [OldTask("b", "export", "failed", 0, days.now(), "old", {"phone": GONE})], by="takeover")
        kept = ledger.find(connection, "a").details
        taken = ledger.find(connection, "b").details
    assert kept == {
        "said": f"call\n{mask}",
        mask: [mask, {"to": [mask, STAYS]}],
        "n": 3,
        "paid": True,
        "late": mask,
    }
    assert taken == {"phone": mask, "taken_over": "old"}
    assert where(desk) == []


def test_an_erasure_waits_for_an_import_under_way_and_reaches_what_it_brought(desk, deps):
    done = threading.Event()

    def erased() -> None:
        erase(desk, deps)
        done.set()

    eraser = threading.Thread(target=erased)
    with desk.engine.begin() as connection:
        import_history(connection, [HistoryRow(GONE)], source="old system", by="Li Wei")
        eraser.start()
        while not desk.one(WAITING):
            assert not done.wait(0.01)
    join_all(eraser)
    assert done.is_set()
    assert where(desk) == []
    assert desk.one("SELECT count(*) FROM call_history WHERE phone LIKE 'erased:%'") == 1


@pytest.mark.parametrize(
    "enter",
    [
        entering.Entrance,
        lambda connection: entering.refuse(connection, GONE),
        lambda connection: entering.masked(connection, [f"call {GONE}"]),
    ],
    ids=["a list", "a case", "a text"],
)
def test_what_is_entering_and_does_not_end_refuses_the_erasure_with_a_sentence(desk, deps, monkeypatch, enter):
    monkeypatch.setattr(entering, "_PATIENCE_S", 0.05)
    with desk.engine.begin() as connection:
        enter(connection)
        with pytest.raises(Conflict, match="an import or a read of call records is at work"):
            erase(desk, deps)
        assert not locks.is_held(connection, "call batches", "planning")
    assert desk.one("SELECT count(*) FROM erased_persons") == 0
    assert erase(desk, deps).id == 1


def test_what_wants_to_enter_waits_for_an_erasure_under_way_and_comes_under_the_token(desk, deps):
    def enter() -> None:
        with desk.engine.begin() as entering_one:
            do_not_call.add(entering_one, GONE, source="complaint", by="Li Wei")

    door = threading.Thread(target=enter)
    with desk.engine.begin() as connection:
        token = erasing.erase(connection, deps, GONE, by="Li Wei", reason="a letter").document["token"]
        door.start()
        while not desk.one(WAITING):
            assert door.is_alive()
            door.join(0.01)
    join_all(door)
    assert desk.rows("SELECT phone FROM do_not_call WHERE source = 'complaint'") == [(token,)]
    assert where(desk) == []


def test_an_erasure_waits_for_a_click_that_is_being_opened(desk, deps):
    done = threading.Event()

    def erased() -> None:
        erase(desk, deps)
        done.set()

    eraser = threading.Thread(target=erased)
    with desk.engine.begin() as connection:
        assert gate.check_and_record(connection, Attempt(GONE, "telephony", "click", now()), LIST_ONLY).allowed
        eraser.start()
        while not desk.one(WAITING):
            assert not done.wait(0.01)
    join_all(eraser)
    assert where(desk) == []
    assert desk.one("SELECT count(*) FROM contact_attempts WHERE phone LIKE 'erased:%'") == 1
