"""Whole runs: from a ledger's rows to delivered messages and `Y`, against the simulator over HTTP."""

from __future__ import annotations

import datetime as dt
import os
import stat

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.store import unreported
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import parse
from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import Draft
from calling_pipeline.task_ledger.ledger import find
from calling_pipeline_tests.notifications.world import (
    csv_bytes,
    notification_runtime,
    row,
    states,
    statuses,
    write_ledger,
)
from calling_pipeline_tests.support import LIMIT_S


@pytest.fixture
def ledger(tmp_path):
    return write_ledger(tmp_path / "contracts.csv", [row(1), row(2, award="1"), row(3, notified="Y"), row(4, city="上海")])


def go(deps, *paths, **options):
    return run(deps, list(paths), created_by="a test", wait_s=options.pop("wait_s", LIMIT_S), **options)


def test_every_new_contract_is_announced_once_and_then_says_y(deps, judge, engine, ledger):
    done = go(deps, ledger)
    assert (done.failed, done.delivery.delivered, done.written_back) == (False, 4, 3)
    sent = judge.messages()
    assert sorted(to for to, _ in sent) == ["robot:key-bj", "robot:key-bj", "robot:key-sh", "user:boss-bj"]
    assert statuses(ledger) == {f"id-{n}": "Y" for n in (1, 2, 3, 4)}
    with engine.connect() as connection:
        assert find(connection, f"notify:{done.run_id}").state == "completed"
        [noted] = unreported(connection, limit=10)
    assert (noted.asset, noted.day, noted.numbers["delivered"]) == ("contract_notifications", days.today(), 4)


def test_the_group_message_says_what_the_operators_know(deps, judge, ledger):
    go(deps, ledger)
    text = next(content for to, content in judge.messages() if "00001" in content)
    for part in ("恭喜 管家1 签约合同 YHWX-北京-00001", "第 1 单", "累计签约 100.0 元", "35%", "距离优秀奖还需 1,200 元"):
        assert part in text


def test_running_again_sends_nothing_and_changes_no_byte(deps, judge, ledger):
    go(deps, ledger)
    before = ledger.read_bytes()
    done = go(deps, ledger)
    assert (done.delivery.attempted, done.written_back) == (0, 0)
    assert ledger.read_bytes() == before
    assert len(judge.messages()) == 4


def test_a_second_maker_of_the_same_message_makes_none(engine, ledger):
    contract = parse(ledger.read_bytes()).contracts[0]
    draft = Draft("robot:北京", "send_wecom_message", "text")
    made = []
    for _ in range(2):
        with engine.begin() as connection:
            made.append(
                store.add_messages(connection, [(contract, draft)], csv_file="c.csv", created_by="a test", now=days.now())
            )
    assert made == [1, 0]


def test_y_stands_only_where_every_message_was_delivered(deps, judge, engine, ledger):
    judge.rules(robot_rate_per_minute=None, unknown_users=["boss-bj"])
    done = go(deps, ledger)
    assert (done.failed, done.delivery.dead) == (True, 1)
    assert statuses(ledger) == {"id-1": "Y", "id-2": "N", "id-3": "Y", "id-4": "Y"}
    judge.rules(unknown_users=[])
    with engine.begin() as connection:
        assert len(store.OUTBOX.redrive(connection, None, by="a test")) == 1
    go(deps, ledger)
    assert statuses(ledger)["id-2"] == "Y"
    assert max(judge.counted().values()) == 1


@pytest.mark.parametrize(
    ("encoding", "line_end"),
    [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("gb18030", "\r\n"), ("gb18030", "\n"), ("utf-8", "\r")],
)
def test_encoding_and_line_ends_stay_and_only_the_one_column_changes(deps, tmp_path, encoding, line_end):
    rows = [row(1, 备注='他说 "好",\n明天'), row(2, notified="Y"), row(3)]
    path = write_ledger(tmp_path / "c.csv", rows, encoding=encoding, line_end=line_end)
    go(deps, path)
    expected = csv_bytes([{**line, "是否发送通知": "Y"} for line in rows], encoding=encoding, line_end=line_end)
    assert path.read_bytes() == expected
    assert (tmp_path / "c.csv.bak").read_bytes() == csv_bytes(rows, encoding=encoding, line_end=line_end)


def test_bad_lines_are_parked_by_number_and_the_good_ones_go_out(deps, engine, tmp_path):
    lines = csv_bytes([row(1), row(2), row(3), row(4, 管家累计单数="x"), row(5, notified="x")]).splitlines(keepends=True)
    lines[2] = b'"broken,line\r\n'
    path = tmp_path / "c.csv"
    path.write_bytes(b"".join(lines))
    done = go(deps, path)
    assert [(p.line, p.contract_id) for p in done.generated[0].parked] == [(3, None), (5, "id-4"), (6, "id-5")]
    assert done.delivery.delivered == 2
    assert path.read_bytes().splitlines(keepends=True)[2] == b'"broken,line\r\n'
    with engine.connect() as connection:
        title = connection.execute(sa.text("SELECT title FROM alerts WHERE room = 'notifications'")).scalar_one()
    assert title == "Failing: every line of the contract ledger c.csv can be used"


def test_contracts_that_disagree_on_being_sent_are_not_sent(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(1, notified="Y"), row(2)])
    done = go(deps, path)
    assert [(p.line, p.contract_id) for p in done.generated[0].parked] == [(2, "id-1"), (3, "id-1")]
    assert len(judge.messages()) == 1


def test_a_row_whose_city_nobody_is_configured_for_is_parked_and_the_rest_goes_out(deps, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1, city="广州"), row(2)])
    done = go(deps, path)
    assert [p.line for p in done.generated[0].parked] == [2]
    assert done.generated[0].parked[0].reason == "no robot for 广州; set CALLING_WECOM_ROBOTS"
    assert done.failed
    assert statuses(path) == {"id-1": "N", "id-2": "Y"}


def test_one_unusable_file_does_not_stop_the_others(deps, tmp_path, ledger):
    (tmp_path / "bad.csv").write_bytes("合同ID(_id),备注\n1,x\n".encode())
    done = go(deps, tmp_path / "bad.csv", tmp_path / "none.csv", ledger)
    assert done.failed
    assert len(done.errors) == 2
    assert "lacks the columns" in done.errors[0]
    assert done.delivery.delivered == 4


def test_the_answers_body_decides_and_what_certainly_was_not_sent_is_sent_again(deps, judge, simulator, ledger):
    simulator.plant("errcode", path="webhook/send", times=2, errcode=45009)
    simulator.plant("status", path="message/send", status=429)
    done = go(deps, ledger)
    assert (done.delivery.delivered, done.delivery.retried) == (4, 3)
    assert max(judge.counted().values()) == 1


def test_what_was_perhaps_sent_is_held_alerted_and_never_repeated(deps, judge, simulator, engine, ledger):
    simulator.plant("status", path="webhook/send", status=500, after=True)
    done = go(deps, ledger)
    assert (done.delivery.unknown, done.failed) == (1, True)
    go(deps, ledger)
    assert states(engine) == {"delivered": 3, "unknown": 1}
    assert max(judge.counted().values()) == 1
    with engine.connect() as connection:
        (alert,) = connection.execute(sa.text("SELECT text FROM alerts WHERE key LIKE 'messages_unknown:%'")).scalars()
        (held,) = store.OUTBOX.messages(connection, ["unknown"])
    assert "notify settle" in alert
    with engine.begin() as connection:
        store.OUTBOX.settle(connection, [held.id], as_="done", by="a test", why="seen in the group")
    go(deps, ledger)
    assert set(statuses(ledger).values()) == {"Y"}
    assert len(judge.messages()) == 4


def test_the_robots_rate_is_kept_over_runs(app_settings, simulator, judge, tmp_path):
    judge.rules(robot_rate_per_minute=20)
    runtime = notification_runtime(app_settings, simulator, wecom_robot_rate_per_minute=20)
    path = write_ledger(tmp_path / "c.csv", [row(n) for n in range(1, 31)])
    begun = days.now()
    with days.frozen(begun):
        first = go(NotificationDependencies.from_runtime(runtime), path, wait_s=0)
        second = go(NotificationDependencies.from_runtime(runtime), path, wait_s=0)
    assert (first.delivery.delivered, first.delivery.retried) == (20, 0)
    assert second.delivery.attempted == 0
    assert sorted(statuses(path).values()) == ["N"] * 10 + ["Y"] * 20
    judge.rules(robot_rate_per_minute=None)
    with days.frozen(begun + dt.timedelta(seconds=61)):
        assert go(NotificationDependencies.from_runtime(runtime), path, wait_s=0).delivery.delivered == 10
    runtime.close()


def test_a_contract_with_a_message_that_was_not_delivered_never_says_y(deps, judge, engine, tmp_path):
    """The award is withdrawn from the row after its message was given up: the group message alone is not enough."""
    judge.rules(robot_rate_per_minute=None, unknown_users=["boss-bj"])
    path = write_ledger(tmp_path / "c.csv", [row(1, award="1")])
    go(deps, path)
    assert states(engine) == {"delivered": 1, "dead": 1}
    write_ledger(path, [row(1, award="0")])
    go(deps, path)
    assert statuses(path) == {"id-1": "N"}
    with engine.begin() as connection:
        store.OUTBOX.settle(connection, None, as_="done", by="a test", why="confirmed by telephone")
    go(deps, path)
    assert statuses(path) == {"id-1": "Y"}


def test_a_receivers_messages_arrive_in_the_ledgers_order(deps, judge, simulator, tmp_path):
    simulator.plant("status", path="webhook/send", times=5, rate=0.3, status=429)
    path = write_ledger(tmp_path / "c.csv", [row(n, city="北京" if n % 2 else "上海") for n in range(1, 41)])
    go(deps, path)
    for key in ("robot:key-bj", "robot:key-sh"):
        texts = [content for to, content in judge.messages() if to == key]
        numbers = [int(text.split("-")[2][:5]) for text in texts]
        assert numbers == sorted(numbers)
    assert len(judge.messages()) == 40


def test_rows_people_add_and_edit_during_a_run_survive(deps, judge, simulator, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2)])
    edited = csv_bytes([row(2, 备注="改过"), row(1), row(9)])

    def edit(report):
        path.write_bytes(edited)

    go(deps, path, progress=edit)
    assert path.read_bytes() == csv_bytes([row(2, 备注="改过", notified="Y"), row(1, notified="Y"), row(9)])
    go(deps, path)
    assert statuses(path)["id-9"] == "Y"
    assert len(judge.messages()) == 3


def test_a_read_only_ledger_is_left_alone_said_and_written_when_it_may_be(deps, judge, ledger):
    ledger.chmod(stat.S_IRUSR)
    before = ledger.read_bytes()
    done = go(deps, ledger)
    assert done.failed
    assert "read-only" in done.errors[0]
    assert ledger.read_bytes() == before
    ledger.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert go(deps, ledger).written_back == 3
    assert len(judge.messages()) == 4
    assert sorted(os.listdir(ledger.parent)) == ["contracts.csv", "contracts.csv.bak"]


def test_a_contract_that_wins_its_award_before_the_write_back_gets_its_award_message_too(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    path.chmod(0o400)
    go(deps, path)
    path.chmod(0o600)
    write_ledger(path, [row(1, award="1")])
    go(deps, path)
    assert [to for to, _ in judge.messages()] == ["robot:key-bj", "user:boss-bj"]
    assert statuses(path) == {"id-1": "Y"}


def test_only_rows_first_seen_that_day_are_announced_when_a_day_is_named(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    with days.frozen(dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)):
        go(deps, path, day=dt.date(2026, 11, 19), wait_s=0)
        assert judge.messages() == []
    write_ledger(path, [row(1), row(2)])
    with days.frozen(dt.datetime(2026, 11, 21, 12, tzinfo=days.SHANGHAI)):
        go(deps, path, day=dt.date(2026, 11, 21), wait_s=0)
        assert ["00002" in text for _, text in judge.messages()] == [True]
        go(deps, path, day=dt.date(2026, 11, 20), wait_s=0)
    assert len(judge.messages()) == 2
