"""A call history that was kept elsewhere: taken row by row with a verdict, and nobody in it is called again."""

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches.facts import store as fact_store
from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.call_batches.history.importing import import_history
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.database import migrate
from calling_pipeline.errors import InvalidInput
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.support import LIMIT_S

JUNE = dt.datetime(2026, 6, 1, 10, tzinfo=days.SHANGHAI)
SPELLINGS = ("13800000001", "+86 138-0000-0002", "１３８０００００００３", "1.3800000004E+10", "13800000005.0",
             "8613800000006", "(0086)13800000007", "手机：13800000008", "013800000009", "'13800000010", "\ufeff13800000011",
             "020-88886666",
             "+852 9123 4567", "400-800-1234")  # fmt: skip
UNREAD = {"": "blank", "138****0000": "masked", "尾号1234": "tail_only", "1.38E+10": "digits_lost", "无": "not_a_number",
          "13800000001/13800000002": "several_numbers", "88886666": "area_code_missing",
          "10086": "short_number"}  # fmt: skip


def take(desk, rows, **options):
    with desk.engine.begin() as connection:
        return import_history(connection, rows, **{"source": "old system", "by": "zhao", **options})


def history(desk) -> list[tuple]:
    return [tuple(row) for row in desk.rows("SELECT * FROM call_history ORDER BY phone")]


def test_every_spelling_is_taken_every_other_text_has_its_reason_and_the_rows_add_up(desk):
    report = take(desk, [HistoryRow(text, JUNE) for text in (*SPELLINGS, *UNREAD)])
    assert report.adds_up
    assert (report.read, report.new, report.changed) == (len(SPELLINGS) + len(UNREAD), len(SPELLINGS), 0)
    assert report.reasons == dict.fromkeys(UNREAD.values(), 1)
    assert desk.one("SELECT count(*) FROM call_history WHERE origin = 'imported'") == len(SPELLINGS)
    assert {row.phone for row in desk.rows("SELECT phone FROM call_history")} >= {phone(n) for n in range(1, 12)}
    assert [row.line for row in report.examples] == list(range(len(SPELLINGS) + 1, report.read + 1))
    assert all(number not in str(report) for number in (phone(1), phone(8), "88886666"))


def test_the_first_batch_after_an_import_calls_nobody_in_it(desk):
    take(desk, [HistoryRow(text, JUNE) for text in SPELLINGS])
    desk.work_orders([*(phone(n) for n in range(1, 12)), "+86 138-0000-0004", phone(99)])
    desk.task()
    batch = desk.run()
    assert [call["phone"] for call in desk.gateway_calls()] == [phone(99)]
    assert desk.outcome(batch).reasons == {"called_before": 11, "duplicate": 1}


def test_the_recall_window_counts_from_the_time_that_the_file_says(desk):
    now = days.now()
    take(desk, [HistoryRow(phone(1), now - dt.timedelta(days=10)), HistoryRow(phone(2), now - dt.timedelta(days=40)),
                HistoryRow(phone(3))])  # fmt: skip
    desk.work_orders([phone(1), phone(2), phone(3)])
    desk.task(recall_days=30)
    card = runs.preview_task(desk.engine, "new orders")
    assert (card.to_call, {line.reason: line.rows for line in card.left_out}) == (1, {"called_before": 2})


def test_a_number_imported_after_planning_is_not_pushed(desk):
    desk.work_orders([phone(1), phone(2)])
    desk.task()
    batch = desk.plan()
    take(desk, [HistoryRow(phone(1), JUNE)])
    desk.push(batch)
    assert [call["phone"] for call in desk.gateway_calls()] == [phone(2)]
    assert desk.outcome(batch).reasons == {"called_before": 1}


def test_importing_twice_changes_nothing_with_or_without_times(desk):
    rows = [HistoryRow(phone(1), JUNE, calls=3, staff_name="Li"), HistoryRow(phone(2)), HistoryRow(phone(2)),
            HistoryRow(phone(3), updated_time=JUNE, order_nums=2), HistoryRow("8888")]  # fmt: skip
    first = take(desk, rows)
    kept = history(desk)
    with days.frozen(days.now() + dt.timedelta(days=1)):
        second = take(desk, rows)
    assert (first.new, first.reasons) == (3, {"tail_only": 1, "repeated": 1})
    assert (second.taken, second.reasons) == (0, {"tail_only": 1, "repeated": 1, "unchanged": 3})
    assert history(desk) == kept
    assert desk.one("SELECT count(*) FROM audit_log WHERE act = 'call_history.import'") == 1


def test_a_dry_run_says_the_same_and_changes_nothing(desk):
    take(desk, [HistoryRow(phone(1), JUNE)])
    kept, rows = history(desk), [HistoryRow(phone(n), JUNE, calls=n) for n in (1, 2, 3, 0)] + [HistoryRow(phone(2))]
    tried = take(desk, rows, dry_run=True)
    assert history(desk) == kept
    done = take(desk, rows)
    assert (tried.new, tried.changed, tried.reasons) == (done.new, done.changed, done.reasons)
    assert (done.new, done.reasons) == (2, {"never_called": 1, "repeated": 1, "unchanged": 1})


def test_rows_of_one_number_become_one_with_the_first_and_the_newest_call(desk):
    take(desk, [HistoryRow(phone(1), JUNE + dt.timedelta(days=n), staff_name=f"staff {n}") for n in (2, 0, 1)])
    take(desk, [HistoryRow(phone(2), JUNE, calls=5), HistoryRow("+86" + phone(2), JUNE - dt.timedelta(days=9), calls=2)])
    rows = desk.rows("SELECT phone, first_called_at, last_called_at, calls, staff_name FROM call_history ORDER BY phone")
    assert rows == [
        (phone(1), JUNE, JUNE + dt.timedelta(days=2), 3, "staff 2"), (phone(2), JUNE - dt.timedelta(days=9), JUNE, 5, None)
    ]  # fmt: skip


def test_what_is_odd_about_a_row_is_said_and_its_number_is_kept_all_the_same(desk, tmp_path):
    file = tmp_path / "odd.csv"
    file.write_text(
        "phone,called_at,calls\n"
        f"{phone(1)},yesterday,1\n{phone(2)},2099-01-01,1\n{phone(3)},2026-06-01,many\n{phone(4)},2026-06-01,0\n"
        f"{phone(5)},,1\n",
        encoding="utf-8",
    )
    report = take(desk, read_file(file))
    assert report.remarks == {"time_unread": 1, "time_ahead": 1, "calls_unread": 1, "time_missing": 1}
    assert (report.new, report.reasons) == (4, {"never_called": 1})
    assert desk.one("SELECT max(last_called_at) <= now() FROM call_history")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("header", ["mobile_phone,staff_name,updated_time,order_nums", "手机号,负责人,最近外呼时间,工单数"])
def test_a_file_is_read_by_the_names_of_its_columns_in_every_encoding(tmp_path, encoding, header):
    file = tmp_path / "old.csv"
    file.write_text(
        f'{header}\r\n{phone(1)},"王 ""小"" 明",2026/6/1 9:05,3\r\n\r\n{phone(2)},李,1780279500,2.0\r\n', encoding=encoding
    )
    first, second = read_file(file)
    assert (first.phone, first.staff_name, first.order_nums, first.line) == (phone(1), '王 "小" 明', 3, 2)
    assert (first.last_called_at or first.updated_time) == dt.datetime(2026, 6, 1, 9, 5, tzinfo=days.SHANGHAI)
    assert (second.last_called_at or second.updated_time) == dt.datetime.fromtimestamp(1780279500, days.SHANGHAI)
    assert (second.order_nums, second.line) == (2, 4)


def test_json_lines_and_a_bare_list_are_read_and_lines_that_are_neither_are_counted(desk, tmp_path):
    lines = [json.dumps({"mobile": int(phone(1)), "last_called_at": "2026-06-01T10:00:00+08:00", "calls": 2}), "{broken",
             json.dumps([1]), json.dumps({"mobile": None})]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"{phone(2)}\n{phone(3)}\n", encoding="utf-8")
    report = take(desk, read_file(tmp_path / "a.jsonl"))
    assert (report.read, report.new, report.reasons) == (4, 1, {"blank": 1, "not_readable": 2})
    assert desk.one("SELECT last_called_at FROM call_history") == JUNE
    assert take(desk, read_file(tmp_path / "b.csv")).new == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name,city\nWang,Shanghai\n", "no column of numbers"),
        (b"phone\n\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
        (b'phone,name\n13800000001,"Wang\n' + b"13800000002,Li\n" * 30, "quotation mark"),
        (b'phone,name\n13800000001,"Wang\n13800000002,"Li"\n', "quotation mark"),
    ],
)
def test_a_file_of_which_rows_would_be_lost_is_refused_whole(desk, tmp_path, content, said):
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        take(desk, read_file(file))
    assert history(desk) == []


def test_an_import_that_breaks_off_leaves_nothing_and_is_begun_again(desk):
    def rows():
        yield from (HistoryRow(phone(n), JUNE) for n in range(5000))
        raise RuntimeError("the cable was pulled")

    with pytest.raises(RuntimeError, match="cable"):
        take(desk, rows())
    assert history(desk) == []
    assert take(desk, (HistoryRow(phone(n), JUNE) for n in range(5000))).new == 5000


def test_a_number_called_here_and_elsewhere_counts_both_and_keeps_its_own_last_call(desk):
    desk.work_orders([phone(1)])
    desk.task()
    batch = desk.run()
    take(desk, [HistoryRow(phone(1), JUNE, calls=4, staff_name="Li", order_type="old")])
    row = desk.rows("SELECT * FROM call_history")[0]
    assert (row.origin, row.calls, row.imported_calls, row.last_batch_id) == ("own", 5, 4, batch.id)
    assert (row.first_called_at, row.imported_called_at, row.staff_name, row.order_type) == (JUNE, JUNE, "staff 0", "new")
    assert row.last_called_at > JUNE


def test_the_checks_know_calls_that_were_made_elsewhere(desk):
    take(desk, [HistoryRow(phone(1), JUNE, calls=4), HistoryRow("+1 312 555 1234", JUNE)])
    desk.work_orders([phone(1), "13125551234"])
    desk.task(recall_days=30)
    batch = desk.run()
    assert desk.one("SELECT array_agg(calls ORDER BY phone) FROM call_history") == [1, 1, 5]
    with desk.engine.connect() as connection:
        facts = fact_store.history_facts(connection, batch.day)
        day = fact_store.day_facts(connection, batch.day)
    assert (facts.miscounted, facts.repeated, day.disagreements) == ((), (), ())


def test_a_push_writes_the_business_columns_of_its_row_into_the_history(desk):
    take(desk, [HistoryRow(phone(1), JUNE, staff_name="Li", sys_name="old", order_nums=9)])
    desk.work_orders([phone(1)], orders=[3])
    desk.task(recall_days=30)
    before = days.now()
    desk.run()
    row = desk.rows("SELECT * FROM call_history")[0]
    assert (row.staff_name, row.sys_name, row.order_type, row.order_nums) == ("staff 0", "CRM", "new", 3)
    assert (row.origin, row.calls, row.updated_time >= before) == ("imported", 2, True)


def test_imports_at_once_wait_for_each_other_and_keep_every_number_once(desk):
    numbers, together = [phone(n) for n in range(3000)], threading.Barrier(3, timeout=LIMIT_S)

    def rows(order):
        yield from (HistoryRow(number, JUNE) for number in order)
        together.wait()

    with ThreadPoolExecutor(3) as pool:
        orders = [numbers, numbers[::-1], numbers[1500:] + numbers[:1500]]
        reports = list(pool.map(lambda order: take(desk, rows(order)), orders))
    assert all(report.adds_up for report in reports)
    assert desk.rows("SELECT count(*), sum(calls), max(imported_calls) FROM call_history") == [(3000, 3000, 1)]


def test_a_source_without_a_name_is_refused(desk):
    with pytest.raises(InvalidInput, match="names the system"):
        take(desk, [HistoryRow(phone(1))], source=" ")


def test_the_way_back_keeps_every_number_as_the_version_before_counts_it_and_returns(desk):
    take(desk, [HistoryRow(phone(1), JUNE, calls=4), HistoryRow(phone(2), JUNE, calls=2)])
    desk.work_orders([phone(1)])
    desk.task(recall_days=30)
    batch = desk.run()
    desk.engine.dispose()
    migrate.downgrade(desk.engine, "0040_takeover")
    counted = "SELECT phone, calls, last_batch_id FROM call_history ORDER BY phone"
    assert desk.rows(counted) == [(phone(1), 1, batch.id), (phone(2), 2, 0)]
    migrate.upgrade(desk.engine)
    again = "SELECT origin, calls, imported_calls, last_batch_id FROM call_history ORDER BY phone"
    assert desk.rows(again) == [("own", 1, 0, batch.id), ("imported", 2, 2, None)]


def test_every_row_is_handed_over_with_its_verdict(desk):
    judged = []
    rows = [HistoryRow(phone(1), JUNE), HistoryRow(phone(1), JUNE), HistoryRow("x")]
    take(desk, rows, keep_rows=judged.extend)
    assert [(row.line, row.verdict, row.reason) for row in judged] == [
        (1, "new", ""), (2, "repeated", ""), (3, "rejected", "not_a_number")
    ]  # fmt: skip
