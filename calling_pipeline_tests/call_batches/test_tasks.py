"""Calling tasks: mappings that do not fit or mean harm, crons, and what editing does."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.calling_tasks import cron, editing, source_schema
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.calling_tasks.records import Source
from calling_pipeline.call_batches.planning import planner
from calling_pipeline.errors import CallingError, Conflict, InvalidInput, NotFound, UnknownIdentifier
from calling_pipeline_tests.call_batches.desk import MAPPING, phone

HARM = '"; DROP TABLE call_history; --'
BAD_MAPPINGS: list[tuple[dict[str, Any], str]] = [
    ({"source_schema": "nope"}, "source_schema"), ({"source_schema": ""}, "source_schema"),
    ({"source_schema": None}, "source_schema"),
    ({"source_schema": "CRM"}, "source_schema"), ({"source_schema": "crm "}, "source_schema"),
    ({"source_schema": "pg_catalog"}, "source_schema"),
    ({"source_schema": "information_schema"}, "source_schema"), ({"source_schema": "pg_toast"}, "source_schema"),
    ({"source_schema": HARM}, "source_schema"), ({"source_schema": 'crm"."work_orders'}, "source_schema"),
    ({"source_schema": "crm\x00"}, "source_schema"), ({"source_schema": 7}, "source_schema"),
    ({"source_table": "nope"}, "source_table"), ({"source_table": ""}, "source_table"),
    ({"source_table": "Work_Orders"}, "source_table"),
    ({"source_table": "crm.work_orders"}, "source_table"), ({"source_table": HARM}, "source_table"),
    ({"source_table": "work_orders; SELECT 1"}, "source_table"), ({"source_table": "(SELECT 1) x"}, "source_table"),
    ({"source_table": "work_orders WHERE true"}, "source_table"), ({"source_table": "work_orders_pkey"}, "source_table"),
    ({"source_table": "x" * 500}, "source_table"),
    ({"mobile_phone": ""}, "mobile_phone"), ({"mobile_phone": None}, "mobile_phone"),
    ({"mobile_phone": "phone"}, "mobile_phone"),
    ({"mobile_phone": "mobile || 'x'"}, "mobile_phone"), ({"mobile_phone": "MOBILE"}, "mobile_phone"),
    ({"mobile_phone": HARM}, "mobile_phone"),
    ({"mobile_phone": "ctid"}, "mobile_phone"), ({"mobile_phone": "mobile::int"}, "mobile_phone"),
    ({"mobile_phone": "(SELECT rolpassword FROM pg_authid)"}, "mobile_phone"),
    ({"staff_name": "mobile, now()"}, "staff_name"), ({"sys_name": "*"}, "sys_name"), ({"order_type": "nope"}, "order_type"),
    ({"order_nums": "1"}, "order_nums"), ({"order_nums": "orders/0"}, "order_nums"),
    ({"staff_name": ["staff"]}, "staff_name"),
    ({"staff_name": "gone"}, "staff_name"),
]  # fmt: skip


@pytest.fixture
def table(desk):
    desk.work_orders([phone(1)])
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE crm.work_orders ADD COLUMN gone text; ALTER TABLE crm.work_orders DROP COLUMN gone"
        )
        connection.exec_driver_sql("ALTER TABLE crm.work_orders ADD COLUMN id integer GENERATED ALWAYS AS IDENTITY")
        connection.exec_driver_sql("ALTER TABLE crm.work_orders ADD CONSTRAINT work_orders_pkey PRIMARY KEY (id)")
    return desk


def test_there_are_enough_bad_mappings():
    assert len(BAD_MAPPINGS) >= 30


def test_a_mapping_that_does_not_fit_is_refused_and_names_its_field(table):
    named = []
    for wrong, field in BAD_MAPPINGS:
        with pytest.raises(InvalidInput) as caught:
            table.task(**wrong)
        named.append((wrong, caught.value.field == field))
    assert [wrong for wrong, right in named if not right] == []
    assert table.one("SELECT count(*) FROM calling_tasks") == 0
    assert table.one("SELECT count(*) FROM call_history") == 0


def test_the_refusal_lists_what_there_is(table):
    with pytest.raises(
        UnknownIdentifier, match=r"no column 'phone'; crm.work_orders has: mobile, staff, system, kind, orders, id"
    ):
        table.task(mobile_phone="phone")
    with pytest.raises(UnknownIdentifier, match="schema crm has: work_orders"):
        table.task(source_table="nope")


def test_odd_but_real_names_are_quoted_and_work(desk):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql('CREATE SCHEMA "客户 ""A"""')
        connection.exec_driver_sql('CREATE TABLE "客户 ""A"""."工单%%; DROP" ("手机 号" text, "order" text)')
        connection.exec_driver_sql(
            "INSERT INTO \"客户 \"\"A\"\"\".\"工单%%; DROP\" VALUES ('13800000001', ' 12 '), ('13800000001', '99x')"
        )
    desk.task(source_schema='客户 "A"', source_table="工单%; DROP", mobile_phone="手机 号", staff_name=None, sys_name=None,
              order_type=None, order_nums="order")  # fmt: skip
    batch = desk.plan()
    assert (batch.card.source_rows, batch.card.to_call) == (2, 1)
    assert desk.one("SELECT order_nums FROM call_tasks WHERE state = 'pending'") == 12


def test_a_source_that_changed_since_it_was_saved_fails_loudly_and_plans_nothing(table):
    table.task()
    with table.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE crm.work_orders RENAME COLUMN mobile TO phone")
    with pytest.raises(UnknownIdentifier, match=r"no column 'mobile'; crm.work_orders has: phone"):
        table.plan()
    assert table.one("SELECT count(*) FROM call_batches") == 0


def test_a_view_is_a_source_too(table):
    with table.engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW crm.open_orders AS SELECT * FROM crm.work_orders")
    table.task(source_table="open_orders")
    assert table.plan().card.to_call == 1


def test_names_are_unique_and_unknown_ones_list_those_there_are(table):
    table.task()
    with pytest.raises(Conflict, match="already"):
        table.task()
    with table.engine.begin() as connection, pytest.raises(NotFound, match="there are: new orders"):
        editing.edit(connection, "other", {})


WRONG_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "name"), ({"name": "x" * 61}, "name"), ({"name": "a\nb"}, "name"), ({"recall_days": -1}, "recall_days"),
    ({"recall_days": "90"}, "recall_days"), ({"rate_per_s": 0}, "rate_per_s"), ({"rate_per_s": "fast"}, "rate_per_s"),
    ({"policy": {"hours": "whenever"}}, "policy.hours"), ({"colour": "red"}, "colour"), ({"cron": "* * *"}, "cron"),
]  # fmt: skip


def test_a_wrong_value_names_its_field(table):
    for values, field in WRONG_VALUES:
        with pytest.raises(InvalidInput) as caught:
            table.task(**values)
        assert caught.value.field == field, values


def test_a_missing_value_is_named(table):
    with table.engine.begin() as connection, pytest.raises(InvalidInput, match="needs cron"):
        editing.add(connection, {"name": "x", **MAPPING})


def test_a_task_with_batches_stays_and_one_without_can_go(table):
    table.task()
    table.task("never run")
    table.plan()
    with table.engine.begin() as connection:
        editing.remove(connection, "never run")
        with pytest.raises(Conflict, match="disable it"):
            editing.remove(connection, "new orders")


def shanghai(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=days.SHANGHAI)


@pytest.mark.parametrize(("spelling", "after", "tick"), [
    ("0 9 * * *", "2026-11-23 08:59:59", "2026-11-23 09:00:00"),
    ("0 0 9 * * ?", "2026-11-23 09:00:00", "2026-11-24 09:00:00"),
    ("30 0 9 ? * MON-FRI", "2026-11-20 10:00:00", "2026-11-23 09:00:30"),
    ("0 0/10 9-18 * * ?", "2026-11-23 09:01:00", "2026-11-23 09:10:00"),
    ("0 9 ? * 1", "2026-11-24 00:00:00", "2026-11-30 09:00:00"),
    ("0 9 29 2 *", "2026-11-23 00:00:00", "2028-02-29 09:00:00"),
    ("15 10 1 * ?", "2026-11-23 00:00:00", "2026-12-01 10:15:00"),
    ("  0   9 * * *  ", "2026-11-23 00:00:00", "2026-11-23 09:00:00"),
])  # fmt: skip
def test_the_old_systems_crons_are_read_in_shanghai_time(spelling, after, tick):
    assert cron.next_ticks(cron.check_cron(spelling), shanghai(after), 1) == [shanghai(tick)]


@pytest.mark.parametrize("spelling", ["", "* * * *", "0 0 9 * * ? 2026", "60 9 * * *", "0 25 * * *", "? 9 * * *",
                                  "0 9 * * MOX", "0 9 31 2 *", "@daily", "0 9 * * *; rm", "a b c d e"])  # fmt: skip
def test_a_wrong_cron_is_refused(spelling):
    with pytest.raises(InvalidInput) as caught:
        cron.check_cron(spelling)
    assert caught.value.field == "cron"


def test_the_latest_tick_is_the_last_of_the_missed_ones():
    assert cron.latest_tick("0 * * * *", shanghai("2026-11-23 08:30"), shanghai("2026-11-23 11:00")) == shanghai(
        "2026-11-23 11:00"
    )
    assert cron.latest_tick("0 * * * *", shanghai("2026-11-23 11:00"), shanghai("2026-11-23 11:59:59")) is None


def test_an_edit_moves_the_ticks_only_when_the_cron_or_the_switch_changes(table):
    before = table.task().ticks_from
    with table.engine.begin() as connection:
        assert editing.edit(connection, "new orders", {"remark": "words"}).ticks_from == before
        assert editing.edit(connection, "new orders", {"enabled": False}).ticks_from == before
    with table.engine.begin() as connection:
        assert editing.edit(connection, "new orders", {"enabled": True}).ticks_from > before
        moved = task_store.by_name(connection, "new orders").ticks_from
        assert editing.edit(connection, "new orders", {"cron": "1 9 * * *"}).ticks_from >= moved


def test_the_plan_of_one_tick_is_made_once(table):
    task = table.task()
    tick = shanghai("2026-11-23 09:00:00")
    with table.engine.begin() as connection:
        first = planner.plan(connection, task, tick)
    with table.engine.begin() as connection:
        assert planner.plan(connection, task, tick).id == first.id
    assert table.one("SELECT count(*) FROM call_batches") == 1


def test_an_error_says_what_to_grant_to_a_role_that_may_not_read_the_source(table):
    with table.engine.begin() as connection:
        connection.exec_driver_sql("DO $$ BEGIN CREATE ROLE poor; EXCEPTION WHEN duplicate_object THEN END $$")
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA crm TO poor")
        connection.exec_driver_sql("SET LOCAL ROLE poor")
        with pytest.raises(CallingError, match="grant it SELECT"):
            source_schema.check_source(connection, Source("crm", "work_orders", "mobile"))
        connection.execute(sa.text("RESET ROLE"))
