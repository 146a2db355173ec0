"""Planning: every source row with its verdict, the card, and the order of the reasons."""

import datetime as dt
from functools import partial

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.contact_policy import do_not_call, store
from calling_pipeline.masking import mask_sample
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.support import run_together

_ATTEMPT = sa.text("INSERT INTO contact_attempts (phone, room, reference, at) VALUES (:p, 'telephony', :ref, :at)")


def reasons(card) -> dict[str, int]:
    return {line.reason: line.rows for line in card.left_out}


def called(desk, number: str, *, days_ago: float = 0) -> None:
    with desk.engine.begin() as connection:
        at = days.now() - dt.timedelta(days=days_ago)
        connection.execute(sa.text("INSERT INTO call_history VALUES (:p, :at, :at, 1, 0, 0)"), {"p": number, "at": at})


def contacted(desk, number: str, times: int, *, days_ago: float = 0) -> None:
    with desk.engine.begin() as connection:
        for n in range(times):
            values = {
                "p": number,
                "ref": f"{number}-{n}-{days_ago}",
                "at": days.now() - dt.timedelta(days=days_ago, seconds=n),
            }
            connection.execute(_ATTEMPT, values)


def test_every_reason_has_its_rows_and_masked_samples_and_the_card_adds_up(desk):
    desk.work_orders([phone(1), f"+86{phone(1)}", phone(2), phone(3), phone(4), phone(5), None, "138****0000",
                      "010-12345678", "8888", "10086", "400-800-1234", "+852 9123 4567", "1.38E+10",
                      f"{phone(6)}/{phone(7)}", "无"])  # fmt: skip
    called(desk, phone(2))
    with desk.engine.begin() as connection:
        do_not_call.add(connection, phone(3), source="complaint")
        ended = days.now() - dt.timedelta(days=1)
        store.block(connection, [(phone(5), ended, "")], source="customer", by="", now=ended - dt.timedelta(days=9))
    contacted(desk, phone(4), 5)
    desk.task("other", policy={"preset": "list_only"})
    desk.task(policy={"hours": None, "rolling": [[5, "24h"]]})
    card = runs.preview_task(desk.engine, "new orders")
    assert card.adds_up
    assert (card.source_rows, card.to_call) == (16, 2)
    assert reasons(card) == {
        "duplicate": 1, "called_before": 1, "do_not_call": 1, "rolling_cap": 1, "blank": 1, "masked": 1, "land_line": 1,
        "tail_only": 1, "short_number": 1, "service_number": 1, "foreign": 1, "digits_lost": 1, "several_numbers": 1,
        "not_a_number": 1,
    }  # fmt: skip
    samples = {line.reason: line.samples for line in card.left_out}
    assert samples["land_line"] == ("010-****5678",)
    assert samples["duplicate"][0].endswith("**0001")
    assert "13800000" not in str(card)
    planned = desk.plan()
    assert planned.card == card
    assert desk.one("SELECT count(*) FROM call_tasks") == 16


def test_a_preview_writes_nothing(desk):
    desk.work_orders([phone(1)])
    desk.task()
    runs.preview_task(desk.engine, "new orders")
    for table in ("call_batches", "call_tasks", "contact_attempts"):
        assert desk.one(f"SELECT count(*) FROM {table}") == 0


def test_the_row_with_the_most_orders_wins_then_the_first(desk):
    desk.work_orders([phone(1), phone(1), phone(1), phone(2), phone(2)], orders=[1, 7, 7, 3, 3])
    desk.task()
    desk.plan()
    rows = desk.rows("SELECT phone, source_row, staff_name FROM call_tasks WHERE state = 'pending' ORDER BY phone")
    assert [(row.phone, row.source_row, row.staff_name) for row in rows] == [
        (phone(1), 2, "staff 1"),
        (phone(2), 4, "staff 3"),
    ]


def test_the_recall_window_lets_a_number_be_called_again_after_its_days(desk):
    desk.work_orders([phone(1), phone(2)])
    called(desk, phone(1), days_ago=29.9)
    called(desk, phone(2), days_ago=30.1)
    desk.task(recall_days=30)
    batch = desk.plan()
    assert (batch.card.to_call, reasons(batch.card)) == (1, {"called_before": 1})
    assert desk.one("SELECT phone FROM call_tasks WHERE state = 'pending'") == phone(2)


def test_history_is_met_whatever_the_spelling(desk):
    """The old system compared raw spellings: 49,000 people were called again."""
    number = phone(1)
    called(desk, number)
    desk.work_orders(
        [f"+86 {number}", f"{number}.0", f"{number[:3]} {number[3:7]} {number[7:]}", f"1.{number[1:]}E+10", f"'{number}"]
    )
    desk.task()
    assert desk.plan().card.to_call == 0


def test_caps_of_a_calendar_day_and_a_gap_count_both_rooms(desk):
    desk.work_orders([phone(1), phone(2), phone(3)])
    contacted(desk, phone(1), 2)
    contacted(desk, phone(2), 1)
    desk.task(policy={"hours": None, "rolling": [], "calendar": [[2, "day"]], "minimum_gap_s": 60})
    assert reasons(desk.plan().card) == {"minimum_gap": 2}
    desk.task("calmer", policy={"hours": None, "rolling": [], "calendar": [[2, "day"]]})
    assert reasons(runs.preview_task(desk.engine, "calmer")) == {"open_elsewhere": 1, "calendar_cap": 1}


def test_an_empty_source_is_an_empty_batch_that_completes(desk):
    desk.work_orders([])
    desk.task()
    batch = desk.run()
    assert (batch.state, batch.card.source_rows, batch.card.to_call) == ("completed", 0, 0)


def test_numbers_stored_as_numbers_are_read_too(desk):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE SCHEMA crm; CREATE TABLE crm.work_orders (mobile numeric, other bigint, third float8)"
        )
        connection.exec_driver_sql(
            "INSERT INTO crm.work_orders VALUES (13800000001, 13800000002, 13800000003), (13800000004.0, 1, 1.5)"
        )
    plain = {"staff_name": None, "sys_name": None, "order_type": None, "order_nums": None}
    for n, column in enumerate(("mobile", "other", "third")):
        desk.task(f"task {n}", mobile_phone=column, **plain)
    assert [desk.plan(f"task {n}").card.to_call for n in range(3)] == [2, 1, 1]


def test_two_plans_at_once_never_share_a_number(desk):
    desk.work_orders([phone(n) for n in range(300)], table="a")
    desk.work_orders([phone(n) for n in range(150, 450)], table="b")
    desk.task("a", source_table="a")
    desk.task("b", source_table="b")
    run_together(*(partial(desk.plan, name) for name in ("a", "b")))
    assert desk.one("SELECT count(*) FROM call_tasks WHERE state = 'pending'") == 450
    assert desk.one("SELECT count(*) FROM call_tasks WHERE reason = 'open_elsewhere'") == 150


_cells = st.one_of(
    st.none(),
    st.text(max_size=20).filter(lambda text: "\x00" not in text),
    st.builds(
        lambda n, spell: spell(phone(n)),
        st.integers(0, 9),
        st.sampled_from([str, "+86{}".format, "{}.0".format, " {}".format, "0086-{}".format]),
    ),
)


@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(_cells, max_size=30))
def test_any_table_plans_to_a_card_that_adds_up_with_every_number_once(desk, cells):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS crm CASCADE")
        connection.exec_driver_sql("DELETE FROM call_tasks; DELETE FROM call_batches; DELETE FROM calling_tasks")
    desk.work_orders(cells)
    desk.task()
    batch = desk.plan()
    assert batch.card.adds_up
    assert batch.card.source_rows == len(cells)
    pending = [row.phone for row in desk.rows("SELECT phone FROM call_tasks WHERE state = 'pending'")]
    assert len(pending) == len(set(pending)) == batch.card.to_call
    assert desk.reconciliation(batch)["difference"] == 0


def test_samples_never_show_a_number():
    assert mask_sample("138-1234-5678") == "138-****-5678"
    assert mask_sample("张三 13812345678") == "?? 138****5678"
    assert mask_sample("110") == "***"
    assert mask_sample("12345678") == "******78"
