"""After an erasure the number stands nowhere, in no spelling: every column of the database, and every file, is read.

Dagster's own database and files never hold a number: `calling_pipeline_tests/test_canary.py` reads them, and erases too.
"""

import asyncio

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline.masking import phone_hash
from calling_pipeline.persons import erasing, finding
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.persons.spellings import masked_in, pattern_of
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline.telephony.billing.reconcile import reconcile_day
from calling_pipeline.telephony.calls.recordings.keeping import Keeping, owner_of
from calling_pipeline.telephony.calls.recordings.sealed_files import SealedWriter
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline.telephony.reviews.notes.noting import note_quality
from calling_pipeline_tests.canary import PHONES, found_in, in_columns, in_files, spelled
from calling_pipeline_tests.support import wait_until
from calling_pipeline_tests.telephony.support import callback_body, signed

CALLBACK = "/api/v1/infinity/callback/call-record"
GONE, STAYS = PHONES[10], PHONES[11]


def hashes_in(engine, digests):
    """Columns of bytes in which a keyed hash of the number stands."""
    inspector, found = sa.inspect(engine), set()
    with engine.connect() as connection:
        for table in inspector.get_table_names():
            for column in inspector.get_columns(table):
                if column["type"].python_type is bytes:
                    name = column["name"]
                    values = connection.exec_driver_sql(f'SELECT "{name}" FROM "{table}" WHERE "{name}" IS NOT NULL')
                    if any(digest in bytes(value) for value in values.scalars() for digest in digests):
                        found.add(f"{table}.{name}")
    return found


def reconcile(runtime):
    async def act():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            await reconcile_day(deps, days.today())

    asyncio.run(act())


def call(office, infinity, api, phone, *, remark):
    """A call that was made, reported with a remark, billed, recorded and reviewed; its id."""
    made = office.call(1, phone, case_id="C-7", customer_id="K-9")
    wait_until(lambda: all(one["ended"] for one in infinity.get("/infinity/_sim/calls")))
    link = "https://recordings.invalid/of/the/call.wav"
    body = callback_body(made.call_uuid, remark=remark, call_record_url=link)
    assert api.post(CALLBACK, content=body, headers=signed(body)).status_code == 200
    keeping, file = Keeping.of(office.runtime.settings), f"1/{made.call_id}"
    with office.runtime.transaction() as connection, keeping.store.writing(file) as sound:
        connection.execute(sa.text(
            "INSERT INTO call_recordings (record_id, tenant_id, config_id, state, known_at, expires_at, next_try_at, file,"
            " bytes, kept_at) VALUES (:id, 1, :config, 'kept', now(), now(), now(), :file, 5, now())"),
            {"id": made.call_id, "config": office.config_id, "file": file})  # fmt: skip
        writer = SealedWriter(sound, keeping.key, owner_of(1, made.call_id))
        writer.write(b"sound")
        writer.finish()
        note_quality(connection, made.call_id, 1, score=3, remark=f"{remark}, said twice", who="Li Wei")
    return made.call_id


@pytest.fixture
def world(office, infinity, api):
    """Somebody stands in every room, in their own rows and in texts about others; somebody else does too."""
    runtime = office.runtime
    calls = [
        call(office, infinity, api, GONE, remark=f"wants {spelled(GONE, 1)} to be called"),
        call(office, infinity, api, STAYS, remark=f"son of {spelled(GONE, 2)}"),
    ]
    unread = callback_body("of a call that nobody knows", is_connected=2, customer=spelled(GONE, 3))
    assert api.post(CALLBACK, content=unread, headers=signed(unread)).status_code == 422
    reconcile(runtime)
    with runtime.transaction() as connection:
        for phone, note in ((GONE, ""), (STAYS, f"also {spelled(GONE, 7)}")):
            cases.add(connection, runtime.secrets, runtime.phone_keys, 1, NewCase(2, phone, "Wang", note), who="Li Wei")
            do_not_call.add(connection, phone, source="complaint", note=f"{note} or {spelled(GONE, 5)}", by="Li Wei")
        do_not_call.remove(connection, STAYS, source="complaint", by="Li Wei", reason=f"not {spelled(GONE, 4)}")
        do_not_call.remove(connection, GONE, source="complaint", by="Li Wei")
        details = {"customer": int(GONE), spelled(GONE, 6): [spelled(GONE, 8), {"fax": spelled(GONE, 9)}], "other": STAYS}
        save_task_details(connection, TaskDetails("t1", "page", "completed", credits=1, details=details, by="Li Wei"))
    return calls


def where(office, phone=GONE):
    files = [name for name, found in in_files(office.runtime.settings.home) if phone in found]
    return sorted(name for name, found in in_columns(office.runtime.engine) if phone in found), files


def erase(office):
    with office.runtime.transaction() as connection:
        deps = PersonDependencies.from_runtime(office.runtime)
        return erasing.erase(connection, deps, GONE, by="Li Wei", reason=f"letter about {spelled(GONE, 1)}")


def test_the_number_and_its_hash_stand_nowhere_in_no_spelling(office, world):
    digests = [phone_hash(key, GONE) for key in office.runtime.phone_keys]
    before, counted = where(office, STAYS), office.rows("SELECT state, count(*) FROM communication_records GROUP BY 1")
    billed = office.rows("SELECT count(*), sum(duration_s) FROM infinity_bills")
    assert len(where(office)[0]) >= 8
    assert {"communication_records.destination_hash", "infinity_bills.destination_hash", "collector_cases.phone_hash"} <= (
        hashes_in(office.runtime.engine, digests)
    )
    made = erase(office)
    assert where(office) == ([], [])
    assert hashes_in(office.runtime.engine, digests) == set()
    assert where(office, STAYS) == before
    assert office.rows("SELECT state, count(*) FROM communication_records GROUP BY 1") == counted
    assert office.rows("SELECT count(*), sum(duration_s) FROM infinity_bills") == billed
    assert made.document["recordings"] == 1
    kept = (office.runtime.settings.home / "recordings").rglob("*")
    assert [path.name for path in kept if path.is_file()] == [str(world[1])]
    of_calls = office.rows("SELECT case_id, customer_id, recording_url FROM communication_records ORDER BY id")
    assert of_calls[0] == ("", "", None)
    assert office.rows("SELECT body_sealed, outcome FROM kept_callbacks") == [(None, "erased")]
    rows = {one["place"]: one["rows"] for one in made.document["erased"]}
    assert rows["communication_records"] == rows["infinity_bills"] == rows["collector_cases"] == rows["kept_callbacks"] == 1
    assert rows["call_notes, texts"] == rows["task_ledger, texts"] == 1


def test_an_export_holds_the_rows_of_every_room_and_texts_about_the_person(office, world):
    with office.runtime.transaction() as connection:
        deps = PersonDependencies.from_runtime(office.runtime)
        tables = finding.export(connection, deps, GONE, by="Li Wei")["tables"]
    assert {"communication_records", "infinity_bills", "collector_cases", "call_notes", "kept_callbacks", "contact_attempts",
            "call_callbacks", "do_not_call", "task_ledger, texts", "call_notes, texts"} <= set(tables)  # fmt: skip


@pytest.mark.parametrize("way", range(10))
def test_a_number_is_found_in_texts_in_every_spelling_and_nothing_else_is_changed(engine, way):
    text = f"call {spelled(GONE, way)} or {STAYS}, order 99{GONE}9, at 2026-11-30 08:00"
    masked = masked_in({"a": [text, 5, None, True]}, GONE)["a"]
    assert found_in(masked[0].replace(f"99{GONE}9", "")) == {STAYS}
    assert f"order 99{GONE}9, at 2026-11-30 08:00" in masked[0]
    assert masked[1:] == [5, None, True]
    with engine.connect() as connection:
        pattern = pattern_of(GONE)
        looked = connection.execute(sa.text("SELECT :text ~ :pattern, :other ~ :pattern"),
                                    {"text": text, "other": f"99{GONE}9 {STAYS}", "pattern": pattern})  # fmt: skip
        assert looked.one() == (True, False)


def test_reports_and_bills_that_come_again_bring_nothing_back_and_the_figures_stay(office, infinity, api, world):
    billed = office.rows("SELECT count(*), sum(duration_s) FROM infinity_bills")
    erase(office)
    [uuid] = office.rows("SELECT call_uuid FROM communication_records ORDER BY id LIMIT 1")[0]
    link = "https://recordings.invalid/again.wav"
    for more, status in (({"remark": f"is {GONE}", "call_record_url": link}, 200), ({"is_connected": 2, "who": GONE}, 422)):
        body = callback_body(uuid, **more)
        assert api.post(CALLBACK, content=body, headers=signed(body)).status_code == status
    reconcile(office.runtime)
    assert where(office) == ([], [])
    assert hashes_in(office.runtime.engine, [phone_hash(key, GONE) for key in office.runtime.phone_keys]) == set()
    assert office.rows("SELECT count(*), sum(duration_s) FROM infinity_bills") == billed
    assert office.rows("SELECT remark, recording_url FROM call_callbacks ORDER BY id DESC LIMIT 1") == [("", None)]
    assert office.rows("SELECT recording_url, recording_file FROM communication_records ORDER BY id LIMIT 1") == [
        (None, None)
    ]
    assert office.rows("SELECT body_sealed, outcome FROM kept_callbacks") == [(None, "erased")] * 2


def test_a_click_or_a_case_of_an_erased_number_is_refused_and_stores_nothing(office, infinity, api, world):
    erase(office)
    calls = len(infinity.get("/infinity/_sim/calls"))
    case = {"collector_id": 3, "phone": GONE, "customer_name": "Wang"}
    answer = api.post("/api/v1/infinity/cases", json=case, headers={"Authorization": "Bearer admin-of-1"})
    assert "had their data erased" in answer.text
    refused = office.call(3, GONE)
    assert (refused.call_id, len(infinity.get("/infinity/_sim/calls"))) == (None, calls)
    assert where(office) == ([], [])
