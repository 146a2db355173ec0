"""What people do to a ledger by hand: a contract on several lines, Y that stops, N set back, numbers that are none."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import threading

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.notifications.contracts import figures, store
from calling_pipeline.notifications.contracts.contract_ledger import parse
from calling_pipeline.notifications.contracts.contradictions import LedgerWatch, heed_ledgers
from calling_pipeline.notifications.contracts.facts import ledger_facts
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.runs import Run, generate_all, known_ledgers, run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.dispatch import dispatch
from calling_pipeline.notifications.outbox.records import Draft
from calling_pipeline_tests.notifications.world import csv_bytes, notification_runtime, row, states, write_ledger
from calling_pipeline_tests.support import LIMIT_S, join_all


def go(deps, path, **options):
    return run(deps, [path], created_by="a test", wait_s=options.pop("wait_s", LIMIT_S), **options)


def marks(path):
    """是否发送通知 of every line, in the file's order."""
    reader = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    return [line["是否发送通知"] for line in reader]


def full_width(text):
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


def audited(engine, act):
    with engine.connect() as connection:
        query = sa.text("SELECT subject, reason, after FROM audit_log WHERE act = :act ORDER BY id")
        return [tuple(found) for found in connection.execute(query, {"act": act})]


SPELLINGS = ("id-1", " id-1 ", "\u3000id-1", full_width("id-1"))


@pytest.mark.parametrize("second", SPELLINGS)
def test_a_contract_on_several_lines_gets_one_set_of_messages_and_y_on_all_its_lines(deps, judge, engine, tmp_path, second):
    rows_ = [row(1, award="1"), row(2), row(1, award="1", **{"合同ID(_id)": second})]
    path = write_ledger(tmp_path / "c.csv", rows_)
    done = go(deps, path)
    assert (done.failed, done.generated[0].parked, done.delivery.delivered) == (False, [], 3)
    assert marks(path) == ["Y", "Y", "Y"]
    assert path.read_bytes() == csv_bytes([{**line, "是否发送通知": "Y"} for line in rows_])
    done = go(deps, path)
    assert (done.failed, done.generated[0].parked, done.delivery.attempted) == (False, [], 0)
    with engine.connect() as connection:
        facts = ledger_facts(connection, [path])
        assert connection.execute(sa.text("SELECT count(*) FROM alerts")).scalar_one() == 0
    assert (facts.contradictions, facts.wrong_status) == ([], [])
    assert max(judge.counted().values()) == 1


def test_a_second_spelling_that_comes_later_is_the_same_contract(deps, judge, engine, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1, **{"合同ID(_id)": full_width("id-1")})])
    go(deps, path)
    other = write_ledger(tmp_path / "d.csv", [row(1)])
    go(deps, other)
    assert len(judge.messages()) == 1
    assert marks(other) == ["Y"]


def test_the_database_knows_a_contract_by_the_same_rule(engine):
    """Also what another version of the program puts in: one message of a kind, however the id is written."""
    add = sa.text(
        "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at,"
        " history, created_at) VALUES ('send_wecom_message', 'robot:a', '', 0,"
        " jsonb_build_object('contract_id', CAST(:id AS text)), 'delivered', 0, 0, now(), '[]', now())"
        " ON CONFLICT ON CONSTRAINT uq_contract_messages_contract_id_kind DO NOTHING"
    )
    with engine.begin() as connection:
        assert [connection.execute(add, {"id": id_}).rowcount for id_ in SPELLINGS] == [1, 0, 0, 0]


def test_a_half_y_that_an_older_version_left_heals_when_all_was_delivered(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2)])
    go(deps, path)
    write_ledger(path, [row(1, notified="Y"), row(2, notified="Y"), row(1), row(1)])
    done = go(deps, path)
    assert (done.failed, done.generated[0].parked) == (False, [])
    assert marks(path) == ["Y"] * 4
    assert len(judge.messages()) == 2


def test_lines_that_disagree_on_y_without_a_delivery_wait_for_a_person(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(1, notified="Y"), row(2)])
    done = go(deps, path)
    assert [(p.line, p.reason) for p in done.generated[0].parked] == [
        (2, "合同ID(_id) id-1: lines 2, 3 disagree on 是否发送通知"),
        (3, "合同ID(_id) id-1: lines 2, 3 disagree on 是否发送通知"),
    ]
    assert (len(judge.messages()), marks(path)) == (1, ["N", "Y", "Y"])


def test_spellings_of_one_number_are_no_contradiction_also_where_one_line_says_y(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1, 管家累计金额="1,200.00"), row(2)])
    go(deps, path)
    again = row(1, 管家累计金额="１２００", **{"转化率(conversion)": "35%", "管家累计单数": "1.0"})
    write_ledger(path, [row(1, notified="Y", 管家累计金额="1,200.00"), row(2, notified="Y"), again])
    assert go(deps, path).generated[0].parked == []
    assert marks(path) == ["Y"] * 3


def test_y_set_by_hand_stops_what_waits_and_says_so(app_settings, simulator, judge, engine, tmp_path):
    """The robot takes two messages per minute: the other four wait, and somebody writes Y to three of them."""
    runtime = notification_runtime(app_settings, simulator, wecom_robot_rate_per_minute=2)
    deps = NotificationDependencies.from_runtime(runtime)
    path = write_ledger(tmp_path / "c.csv", [row(n) for n in range(1, 7)])
    begun = days.now()
    with days.frozen(begun):
        assert go(deps, path, wait_s=0).delivery.delivered == 2
        assert marks(path) == ["Y", "Y", "N", "N", "N", "N"]
        write_ledger(path, [row(n, notified="N" if n == 6 else "Y") for n in range(1, 7)])
    with days.frozen(begun + dt.timedelta(seconds=61)):
        done = dispatch(deps, known_ledgers(deps, [path]), by="a test", wait_s=0)
    assert (done.contracts.withdrawn, done.contracts.delivery.delivered, len(judge.messages())) == (3, 1, 3)
    assert states(engine) == {"delivered": 3, "abandoned": 3}
    with engine.connect() as connection:
        facts = ledger_facts(connection, [path])
        held = store.OUTBOX.messages(connection, ["abandoned"])
    assert (facts.wrong_status, {message.last_error for message in held}) == ([], {"withdrawn: c.csv says Y"})
    assert held[0].history[-1]["to"] == "abandoned"
    assert [subject for subject, *_ in audited(engine, "message.withdraw")] == [f"contract:id-{n}" for n in (3, 4, 5)]
    assert marks(path) == ["Y"] * 6
    runtime.close()


def test_y_on_one_of_several_lines_puts_the_contract_aside_and_y_on_all_of_them_withdraws_it(deps, engine, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(1)])
    generate_all(deps, [path], Run("a-run"), created_by="a test")
    write_ledger(path, [row(1), row(1, notified="Y")])
    assert (heed_ledgers(deps, LedgerWatch()), states(engine)) == (0, {"dead": 1})
    write_ledger(path, [row(1, notified="Y"), row(1, notified="Y")])
    assert (heed_ledgers(deps, LedgerWatch()), states(engine)) == (1, {"abandoned": 1})


def test_what_a_dispatcher_is_claiming_is_neither_withdrawn_nor_waited_for(deps, engine, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    with deps.transaction() as connection:
        contract = parse(path.read_bytes()).contracts[0]
        draft = Draft("robot:北京", "send_wecom_message", "text")
        store.add_messages(connection, [(contract, draft)], csv_file=str(path), created_by="a test", now=days.now())
    write_ledger(path, [row(1, notified="Y")])
    with engine.connect() as claiming:
        claiming.execute(sa.text("UPDATE contract_messages SET state = 'sending', dispatcher = 1, attempts = 1"))
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(heed_ledgers(deps, LedgerWatch())))
        thread.start()
        join_all(thread)
        claiming.commit()
    assert found == [0]
    assert heed_ledgers(deps, LedgerWatch()) == 0
    assert states(engine) == {"sending": 1}


def test_a_ledger_is_read_again_only_when_it_changed(tmp_path):
    """The content is another, and the file's number, time and size are not: it is not read. With another time it is."""
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    watch, before = LedgerWatch(), path.stat()
    assert watch.said(str(path)).notified == frozenset()
    write_ledger(path, [row(1, notified="Y")])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watch.said(str(path)).notified == frozenset()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert watch.said(str(path)).notified == {"id-1"}
    path.unlink()
    assert watch.said(str(path)) is None


def test_n_set_back_by_hand_is_a_question_and_no_error(deps, judge, engine, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2), row(3, notified="Y")])
    go(deps, path)
    write_ledger(path, [row(1, notified="Y"), row(2), row(3)])
    done = go(deps, path)
    assert (done.failed, done.generated[0].parked, done.written_back) == (False, [], 0)
    assert (marks(path), len(judge.messages())) == (["Y", "N", "N"], 2)
    with engine.connect() as connection:
        asked = rows.questions(connection)
        facts = ledger_facts(connection, [path])
    assert [(one.contract_id, one.line, one.delivered) for one in asked] == [
        ("id-2", 3, ("send_wecom_message",)),
        ("id-3", 4, ()),
    ]
    assert asked[0].sentence == (
        "contract id-2: 是否发送通知 was set back to N on line 3; `notify resend id-2 --why …` sends it again,"
        " `notify keep id-2` writes Y back"
    )
    assert facts.wrong_status == []
    write_ledger(path, [row(1, notified="Y"), row(2, notified="Y"), row(3, notified="Y")])
    go(deps, path)
    with engine.connect() as connection:
        assert rows.questions(connection) == []


def test_y_that_was_never_written_is_written_and_no_question(deps, judge, engine, tmp_path):
    """The file was read-only when its messages arrived: N there is not N by hand."""
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    path.chmod(0o400)
    assert go(deps, path).failed
    path.chmod(0o600)
    assert go(deps, path).written_back == 1
    with engine.connect() as connection:
        assert rows.questions(connection) == []


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("管家累计单数", "x", "管家累计单数 is 'x'; it must be a whole number"),
        ("管家累计金额", "??", "管家累计金额 is '??'; it must be an amount of yuan"),
        ("活动期内第几个合同", "", "活动期内第几个合同 is empty; it must be a whole number"),
        ("管家累计单数", "-3", "a whole number"),
        ("管家累计单数", "3.5", "a whole number"),
        ("管家累计金额", "-100", "an amount"),
        ("管家累计金额", "1e99", "an amount"),
        ("管家累计金额", "99999999999", "an amount"),
        ("管家累计金额", "1,2,3", "an amount"),
        ("转化率(conversion)", "nan", "a rate"),
        ("转化率(conversion)", "350%", "a rate"),
    ],
)
def test_a_number_that_is_none_parks_its_line_and_goes_to_nobody(deps, judge, engine, tmp_path, column, value, reason):
    path = write_ledger(tmp_path / "c.csv", [row(1, **{column: value}), row(2)])
    done = go(deps, path)
    assert [(p.line, p.contract_id) for p in done.generated[0].parked] == [(2, "id-1")]
    assert reason in done.generated[0].parked[0].reason
    assert len(judge.messages()) == 1
    with engine.connect() as connection:
        assert [parked.line for _, parked in rows.parked(connection)] == [2]
    write_ledger(path, [row(1), row(2, notified="Y")])
    assert go(deps, path).generated[0].parked == []
    assert (marks(path), len(judge.messages())) == (["Y", "Y"], 2)


def test_a_line_that_says_y_is_not_judged_by_its_numbers(deps, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1, notified="Y", 管家累计单数="x"), row(2)])
    done = go(deps, path)
    assert (done.generated[0].parked, done.delivery.delivered) == ([], 1)


@pytest.mark.parametrize(
    ("judge_by", "shown"),
    [
        (figures.count, {"12": "12", "12.0": "12", "1,200": "1,200", "１２": "12", "1，200": "1,200", " 7 ": "7", "0": "0"}),
        (figures.amount, {"100.0": "100.0", "1,200.50": "1,200.50", "３００": "300", "0": "0"}),
        (figures.rate, {"0.354": "35%", "35%": "35%", "": "-", "1": "100%", "３５％": "35%", "0": "0%"}),
        (figures.count, dict.fromkeys(["", "x", "1 200", "-1", "١٢", "1e3", "12,00", "∞", "第3", "1000001"])),
        (figures.amount, dict.fromkeys(["", "??", "300元", "-1", "NaN", "1.2.3", "1000000001"])),
        (figures.rate, dict.fromkeys(["abc", "-1%", "101%", "1e2"])),
    ],
)
def test_counts_amounts_and_rates_are_shown_as_numbers_or_not_at_all(judge_by, shown):
    assert {text: judge_by(text) for text in shown} == shown


def test_rows_without_a_robot_are_parked_for_every_reader_and_go_on_by_themselves(
    app_settings, simulator, judge, engine, tmp_path
):
    """The robot is set two days later: the run about that day announces what waited, and nothing else of the days before."""
    path = write_ledger(tmp_path / "c.csv", [row(1, city="广州"), row(2, city="广州"), row(3)])
    runtime = notification_runtime(app_settings, simulator)
    first = dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)
    with days.frozen(first):
        done = go(NotificationDependencies.from_runtime(runtime), path, day=first.date(), wait_s=0)
        assert (done.failed, done.without_receiver, done.delivery.delivered) == (True, 2, 1)
        with engine.connect() as connection:
            parked = [(one.line, one.reason) for _, one in rows.parked(connection)]
        assert parked == [(line, "no robot for 广州; set CALLING_WECOM_ROBOTS") for line in (2, 3)]
    robots = {"北京": "key-bj", "广州": "key-gz"}
    later = first + dt.timedelta(days=2)
    set_later = notification_runtime(app_settings, simulator, wecom_robots=robots)
    with days.frozen(later):
        done = go(NotificationDependencies.from_runtime(set_later), path, day=later.date(), wait_s=0)
    assert (done.failed, done.delivery.delivered, marks(path)) == (False, 2, ["Y", "Y", "Y"])
    with engine.connect() as connection:
        assert rows.parked(connection) == []
    runtime.close()
    set_later.close()
