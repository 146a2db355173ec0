"""Why a number was called or not: every room's word on it in the order of time, read by indexes, and masked."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.analysis.number_history.gathering import Sight, number_history
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_stats.tables import call_records
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline.database import partitions
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.telephony.calls.tables import communication_records
from calling_pipeline_tests.call_batches.desk import make_desk, phone

KEY = b"a key for tests"
PHONE = phone(1)
NOW = dt.datetime(2026, 11, 30, 12, tzinfo=days.SHANGHAI)


@pytest.fixture
def desk(engine, app_settings, simulator):
    """A number that was called by a batch, by a collector, put on the list and taken off it again."""
    made = make_desk(engine, app_settings, simulator)
    made.work_orders([PHONE, phone(2), PHONE])
    made.task()
    made.run()
    with engine.begin() as connection:
        do_not_call.add(connection, PHONE, source="carrier", note="asked on 13800000001", by="li")
        do_not_call.remove(connection, PHONE, by="wang", reason="a mistake")
        _call(connection, tenant_id=1)
        _call(connection, tenant_id=2)
        record = {
            "id": 7, "date": NOW.date(), "called_at": NOW, "call_state": 2, "duration_s": 61, "grade": "A 9元",
            "order_yuan": 9, "agent_id": "agent 4", "phone_masked": mask_phone(PHONE), "phone_hash": phone_hash(KEY, PHONE),
        }  # fmt: skip
        partitions.make(connection, "call_records", [NOW.date()])
        connection.execute(sa.insert(call_records).values(record))
    return made


def _call(connection, *, tenant_id):
    config = connection.execute(
        sa.text(
            "INSERT INTO infinity_configs (tenant_id, name, api_url, app_id, enabled, strategy, max_concurrent_calls,"
            " ring_timeout_s, cool_down_s, quarantine_after, quarantine_s, caller_numbers, contact_rules, created_at,"
            " updated_at) VALUES (:tenant, 'office', 'https://infinity.test', 'app', true, 'lru', 5, 30, 0, 3, 600, '{}',"
            " '{}', now(), now()) RETURNING id"
        ),
        {"tenant": tenant_id},
    ).scalar_one()
    values = {
        "reference": f"r{tenant_id}", "tenant_id": tenant_id, "config_id": config, "collector_id": 3, "extension_id": 1,
        "extension_number": "1000", "fence": 0, "destination_masked": mask_phone(PHONE),
        "destination_hash": phone_hash(KEY, PHONE), "state": "busy", "started_at": NOW, "deadline": NOW, "closed_at": NOW,
        "settled_at": NOW,
    }  # fmt: skip
    connection.execute(sa.insert(communication_records).values(values))


def asked(desk, text=PHONE, **more):
    with desk.engine.begin() as connection:
        return number_history(connection, [KEY], text, **more)


def test_every_room_is_heard_and_the_newest_comes_first(desk):
    found = asked(desk, "+86 138-0000-0001")
    said = {(event["kind"], event["state"]) for event in found["timeline"]}
    assert said == {
        ("row", "pushed"), ("row", "skipped"), ("log", "pushed"), ("contact", "call_batches"), ("do_not_call", "added"),
        ("do_not_call", "ended"), ("do_not_call", "changed"), ("telephony", "busy"), ("record", "connected"),
    }  # fmt: skip
    instants = [event["at"] for event in found["timeline"]]
    assert instants == sorted(instants, reverse=True)
    assert found["called"]["calls"] == 1
    assert {row["reason"] for row in found["rows"]} == {None, "duplicate"}
    record = next(event for event in found["timeline"] if event["kind"] == "record")
    assert (record["order_yuan"], record["duration_s"]) == (9, 61)
    assert PHONE not in str(found)


def test_it_says_whether_the_number_may_be_called_now_and_when_else(desk):
    with desk.engine.begin() as connection:
        do_not_call.add(connection, PHONE, source="court", by="li")
    found = asked(desk)
    assert (found["policy"]["allowed"], found["policy"]["rule"]) == (False, "do_not_call")
    assert found["policy"]["not_before"] is None
    assert found["do_not_call"] == ["court"]


def test_it_says_by_the_policy_of_each_calling_task_whether_the_number_may_be_called_now(desk):
    desk.task("at night", policy={"preset": "carrier", "hours": "00:00-00:01"})
    desk.task("another", policy=desk.task("like the first").policy)
    with days.frozen(days.now().replace(hour=12) + dt.timedelta(days=1)):
        found = asked(desk)["policies"]
    assert [one["tasks"] for one in found] == [["another", "like the first", "new orders"], ["at night"]]
    assert [one["rule"] for one in found] == [None, "hours"]


def test_a_number_that_nobody_knows_has_an_empty_history_and_no_number_is_refused(desk):
    assert asked(desk, phone(99))["timeline"] == []
    with pytest.raises(InvalidInput, match="is no number"):
        asked(desk, "8888")


def test_rooms_and_tenants_that_the_caller_may_not_see_are_left_out(desk):
    of_tenant = Caller("viewer", 1, "li", grants=frozenset({"batches"}))
    found = asked(desk, sight=Sight.of(of_tenant))
    assert [event["kind"] for event in found["timeline"] if event["kind"] in ("record", "contact", "do_not_call")] == []
    assert len([event for event in found["timeline"] if event["kind"] == "telephony"]) == 1
    assert "policy" not in found
    collector = Caller("collector", 1, "wang", collector=3, grants=frozenset({"batches"}))
    assert "telephony" not in {event["kind"] for event in asked(desk, sight=Sight.of(collector))["timeline"]}
    assert len([event for event in asked(desk)["timeline"] if event["kind"] == "telephony"]) == 2


def test_each_read_of_a_number_uses_an_index(engine):
    reads = {
        "ix_call_tasks_phone": f"{row_store.OF_PHONE.text.rstrip().rstrip(';')}".replace(":phone", "'x'").replace(
            ":limit", "9"
        ),
        "ix_call_log_phone_recorded_at": "SELECT id FROM call_log WHERE phone = 'x' ORDER BY recorded_at DESC LIMIT 9",
        "ix_contact_attempts_phone_at": "SELECT at FROM contact_attempts WHERE phone = 'x' ORDER BY at DESC LIMIT 9",
        "ix_communication_records_destination_hash": "SELECT id FROM communication_records WHERE destination_hash = '\\x00'",
        "call_records_20261120_phone_hash_idx": "SELECT id FROM call_records WHERE phone_hash = '\\x00'",
    }
    with engine.begin() as connection:
        partitions.make(connection, "call_records", [dt.date(2026, 11, 20)])
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for index, statement in reads.items():
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}").scalars())
            assert index in plan, plan


def test_the_result_of_a_push_stands_beside_it_and_its_record_is_not_a_stranger(desk):
    with desk.engine.begin() as connection:
        at = days.now() + dt.timedelta(seconds=40)
        record = {"id": 8, "date": days.day_of(at), "called_at": at, "call_state": 2, "duration_s": 33, "grade": "1元",
                  "order_yuan": 1, "agent_id": "agent 5", "phone_masked": mask_phone(PHONE),
                  "phone_hash": phone_hash(KEY, PHONE)}  # fmt: skip
        partitions.make(connection, "call_records", [days.day_of(at)])
        connection.execute(sa.insert(call_records).values(record))
        assert join_day(connection, days.today(), JoinRules((KEY,))).changed == 2
    found = asked(desk)
    [push] = [event for event in found["timeline"] if event["kind"] == "row" and event["state"] == "pushed"]
    [result] = [event for event in found["timeline"] if event["kind"] == "result"]
    assert push["result"] == result["state"] == "connected"
    assert (result["call_id"], result["batch_id"]) == (push["call_id"], push["batch_id"])
    assert (result["order_yuan"], result["duration_s"], result["by"]) == (1, 33, "agent 5")
    assert [event["day"] for event in found["timeline"] if event["kind"] == "record"] == [NOW.date()]  # another call
    [unjoined] = [event for event in asked(desk, phone(2))["timeline"] if event["kind"] == "row"]
    assert unjoined["result"] == "waiting"
