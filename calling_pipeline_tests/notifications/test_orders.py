"""What people order: a preview, sending again, writing Y back, deciding about many held messages at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.store import entries
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.notifications import views
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.answering import keep, resend
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.previewing import preview
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.runs import Run, generate_all, run
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.records import Selection
from calling_pipeline.notifications.outbox.store import open_lanes
from calling_pipeline_tests.notifications.test_hands import marks
from calling_pipeline_tests.notifications.world import ROBOTS, USERS, row, states, write_ledger
from calling_pipeline_tests.support import LIMIT_S, run_together


def go(deps, path, **options):
    return run(deps, [path], created_by="a test", wait_s=options.pop("wait_s", LIMIT_S), **options)


def again(deps, contract_id, why="the wrong group", **options):
    with deps.transaction() as connection:
        return resend(connection, contract_id, deps.plan, Names(ROBOTS, USERS), why=why, by="ann", **options)


def audited(engine, act):
    with engine.connect() as connection:
        return entries(connection, act=act, limit=100)[0]


@pytest.fixture
def sent(deps, judge, tmp_path):
    """A ledger of two contracts whose messages were delivered."""
    path = write_ledger(tmp_path / "c.csv", [row(1, award="1"), row(2)])
    go(deps, path)
    return path


def test_a_contract_is_sent_again_by_order_once_and_its_row_says_y_after_that(deps, judge, engine, sent):
    write_ledger(sent, [row(1, award="1", 管家累计单数="8"), row(2, notified="Y")])
    go(deps, sent)
    done = again(deps, " id-1 ")
    assert (done.contract_id, len(done.messages), done.already) == ("id-1", 2, False)
    repeated = again(deps, "id-1")
    assert (repeated.messages, repeated.already) == (done.messages, True)
    assert marks(sent) == ["N", "Y"]
    go(deps, sent)
    assert marks(sent) == ["Y", "Y"]
    texts = [text for to, text in judge.messages() if to == "robot:key-bj" and "00001" in text]
    assert ["个人累计签约第 8 单" in text for text in texts] == [False, True]
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text(
                "SELECT kind, edition, resend_of IS NOT NULL FROM contract_messages WHERE contract_id = 'id-1' ORDER BY id"
            )
        ).all()
        assert store.doubled(connection) == []
        assert rows.questions(connection) == []
        assert views.figures(connection, "contracts").resent == 2
    assert sorted((kind, edition, linked) for kind, edition, linked in kept) == [
        ("send_wechat_message", 0, False),
        ("send_wechat_message", 1, True),
        ("send_wecom_message", 0, False),
        ("send_wecom_message", 1, True),
    ]
    (noted,) = audited(engine, "contract.resend")
    assert (noted.person, noted.subject, noted.reason) == ("ann", "contract:id-1", "the wrong group")
    assert noted.after == {"messages": list(done.messages)}
    assert again(deps, "id-1").already
    assert not again(deps, "id-1", key="another order").already


def test_the_same_order_from_four_doors_at_once_makes_one_set_of_messages(deps, engine, sent):
    answers = []
    run_together(*[lambda: answers.append(again(deps, "id-1"))] * 4)
    assert sorted(answer.already for answer in answers) == [False, True, True, True]
    assert len({answer.messages for answer in answers}) == 1
    assert states(engine) == {"delivered": 3, "pending": 2}


def test_a_resend_ordered_while_the_row_says_y_goes_out_all_the_same(deps, judge, sent):
    again(deps, "id-2")
    done = go(deps, sent)
    assert (done.withdrawn, done.delivery.delivered, marks(sent)) == (0, 1, ["Y", "Y"])


def test_y_by_hand_after_the_order_stops_a_resend(deps, judge, engine, sent):
    write_ledger(sent, [row(1, award="1", notified="Y"), row(2)])
    go(deps, sent)
    again(deps, "id-2")
    write_ledger(sent, [row(1, award="1", notified="Y"), row(2, notified="Y")])
    assert go(deps, sent).withdrawn == 1
    assert (states(engine), len(judge.messages())) == ({"delivered": 3, "abandoned": 1}, 3)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("pending", "still waits to be sent"),
        ("sending", "is being sent"),
        ("unknown", "may have been sent; look into the group and settle it first"),
        ("dead", "was given up and certainly not sent; redrive it instead"),
    ],
)
def test_nothing_is_sent_again_while_a_message_is_open_or_held(deps, engine, sent, state, sentence):
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE contract_messages SET state = :state WHERE contract_id = 'id-2'"), {"state": state}
        )
    with pytest.raises(Conflict, match=sentence):
        again(deps, "id-2")
    assert sum(states(engine).values()) == 3


def test_a_resend_needs_a_reason_a_line_and_numbers(deps, engine, sent):
    with pytest.raises(InvalidInput, match="say why"):
        again(deps, "id-1", why="  ")
    with pytest.raises(NotFound, match="never seen"):
        again(deps, "id-9")
    write_ledger(sent, [row(1, award="1", notified="Y", 管家累计单数="x")])
    with pytest.raises(InvalidInput, match="line 2: 管家累计单数 is 'x'"):
        again(deps, "id-1")
    with pytest.raises(NotFound, match="in none of its ledgers any more"):
        again(deps, "id-2")
    assert states(engine) == {"delivered": 3}


def test_a_contract_that_never_had_a_message_is_sent_when_a_person_says_so(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1, notified="Y")])
    go(deps, path)
    write_ledger(path, [row(1)])
    go(deps, path)
    assert judge.messages() == []
    again(deps, "id-1")
    go(deps, path)
    assert (len(judge.messages()), marks(path)) == (1, ["Y"])


def test_keep_writes_y_back_and_sends_nothing(deps, judge, engine, sent):
    write_ledger(sent, [row(1, award="1"), row(2)])
    go(deps, sent)
    with deps.transaction() as connection:
        assert keep(connection, ["id-1"], by="ann", why="a mistake") == ["id-1"]
    assert marks(sent) == ["Y", "N"]
    with deps.transaction() as connection:
        with pytest.raises(NotFound, match="id-1 was not set back"):
            keep(connection, ["id-1"], by="ann")
        assert keep(connection, None, by="ann") == ["id-2"]
    go(deps, sent)
    with engine.connect() as connection:
        assert rows.questions(connection) == []
    assert (marks(sent), len(judge.messages())) == (["Y", "Y"], 3)
    assert [noted.reason for noted in audited(engine, "contract.keep")] == ["", "a mistake"]


def test_a_preview_shows_texts_lines_and_what_does_not_go_out_and_writes_nothing(deps, judge, engine, tmp_path):
    lines = [row(1), row(1), row(2), row(3), row(4, city="广州"), row(5, 管家累计单数="x"), row(6, notified="Y")]
    path = write_ledger(tmp_path / "c.csv", lines)
    before = path.read_bytes()
    with engine.connect() as connection:
        counted = [connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in TABLES]
    with deps.transaction() as connection:
        seen = preview(connection, path, deps.plan, Names(ROBOTS, USERS), rate=2)
        with pytest.raises(sa.exc.InternalError, match="read-only"):
            connection.execute(sa.text("DELETE FROM contract_rows"))
        connection.rollback()
    assert [(one.lines, one.contract_id, one.receiver, one.waits) for one in seen.messages] == [
        ((2, 3), "id-1", "robot:北京", False),
        ((4,), "id-2", "robot:北京", False),
        ((5,), "id-3", "robot:北京", True),
    ]
    assert (seen.messages[0].kind, "YHWX-北京-00001" in seen.messages[0].body) == ("group message", True)
    assert [(one.line, one.reason) for one in seen.parked] == [
        (6, "no robot for 广州; set CALLING_WECOM_ROBOTS"),
        (7, "管家累计单数 is 'x'; it must be a whole number"),
    ]
    assert (seen.held_by_rate, seen.without_receiver, seen.set_back, seen.withdrawn) == ({"robot:北京": 1}, 1, (), ())
    with engine.connect() as connection:
        assert counted == [connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in TABLES]
    assert (path.read_bytes(), judge.messages()) == (before, [])


TABLES = (
    "contract_messages",
    "contract_rows",
    "contract_ledgers",
    "notification_lanes",
    "alerts",
    "task_ledger",
    "audit_log",
)


def test_a_preview_counts_what_waits_already_and_what_was_sent_within_the_minute(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    generate_all(deps, [path], Run("a-run"), created_by="a test")
    write_ledger(path, [row(1, notified="Y"), row(2), row(3)])
    with deps.transaction() as connection:
        seen = preview(connection, path, deps.plan, Names(ROBOTS, USERS), rate=2)
    assert [one.waits for one in seen.messages] == [False, True]
    assert len(seen.withdrawn) == 1


ADD = sa.text(
    "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history,"
    " last_error, created_at) VALUES ('send_wecom_message', :receiver, 'text', 0,"
    " jsonb_build_object('contract_id', gen_random_uuid()::text), :state, 1, 0, now(), '[]', :error, now()) RETURNING id"
)


@pytest.fixture
def held(engine):
    """Ids of held messages by (state, receiver, error)."""
    wanted = [
        ("dead", "robot:a", "given up after 12 attempts: HTTP 503"),
        ("dead", "robot:a", "given up after 12 attempts: HTTP 503"),
        ("dead", "robot:b", "HTTP 503"),
        ("dead", "robot:b", "errcode 93000 (invalid webhook url, hint: [123])"),
        ("unknown", "robot:a", "HTTP 500 after the message was handed over"),
        ("unknown", "robot:b", "HTTP 500 after the message was handed over"),
    ]
    with engine.begin() as connection:
        open_lanes(connection, ["robot:a", "robot:b"])
        return [
            connection.execute(ADD, {"state": state, "receiver": to, "error": error}).scalar_one()
            for state, to, error in wanted
        ]


def test_held_messages_are_grouped_by_cause(engine, held):
    with engine.connect() as connection:
        groups = store.OUTBOX.held_groups(connection)
    assert sorted((group.state, group.cause, group.receiver, group.messages) for group in groups) == [
        ("dead", "HTTP 503", "robot:a", 2),
        ("dead", "HTTP 503", "robot:b", 1),
        ("dead", "errcode 93000", "robot:b", 1),
        ("unknown", "HTTP 500 after the message was handed over", "robot:a", 1),
        ("unknown", "HTTP 500 after the message was handed over", "robot:b", 1),
    ]


def test_a_cause_is_redriven_after_a_look_in_order_and_spread_over_minutes(engine, held):
    chosen = Selection(cause="HTTP 503")
    with engine.begin() as connection:
        with pytest.raises(InvalidInput, match="look first"):
            decisions.redrive(connection, store.OUTBOX, chosen, by="ann")
        seen = decisions.redrive(connection, store.OUTBOX, chosen, by="ann", dry_run=True)
        assert (seen.dry_run, seen.ids, [one.id for one in seen.sample]) == (True, tuple(held[:3]), held[:3])
        with pytest.raises(Conflict, match="3 messages fit now, not 2"):
            decisions.redrive(connection, store.OUTBOX, chosen, by="ann", expect=2)
    assert states(engine) == {"dead": 4, "unknown": 2}
    begun = days.now()
    with days.frozen(begun), engine.begin() as connection:
        done = decisions.redrive(connection, store.OUTBOX, chosen, by="ann", why="repaired", per_minute=30, expect=3)
        waiting = store.OUTBOX.messages(connection, ["pending"])
    assert done.ids == tuple(held[:3])
    assert [(one.due_at - begun).total_seconds() for one in waiting] == [0, 2, 4]
    (noted,) = audited(engine, "message.redrive")
    assert (noted.person, noted.subject, noted.reason) == ("ann", "messages:contracts", "repaired")
    assert (noted.after["ids"], noted.before["cause"]) == (held[:3], "HTTP 503")


def test_unknown_messages_to_one_robot_are_settled_after_a_look_and_no_others(engine, held):
    chosen = Selection(states=("unknown",), receiver="robot:a")
    with engine.begin() as connection:
        seen = decisions.settle(connection, store.OUTBOX, chosen, as_="done", by="ann", why="seen", dry_run=True)
        assert seen.ids == (held[4],)
        decisions.settle(connection, store.OUTBOX, chosen, as_="done", by="ann", why="seen", expect=1)
        with pytest.raises(InvalidInput, match="pending messages are not held"):
            decisions.settle(
                connection, store.OUTBOX, Selection(states=("pending",)), as_="done", by="ann", why="", dry_run=True
            )
    assert states(engine) == {"dead": 4, "unknown": 1, "delivered": 1}
    (noted,) = audited(engine, "message.settle")
    assert (noted.subject, noted.after["as"]) == (f"message:contracts/{held[4]}", "done")


def test_two_people_who_decide_about_the_same_messages_at_once_decide_once(engine, held):
    answers: list[object] = []
    barrier = threading.Barrier(2)

    def decide():
        try:
            with engine.begin() as connection:
                barrier.wait(LIMIT_S)
                chosen = Selection(states=("unknown",))
                answers.append(
                    decisions.settle(connection, store.OUTBOX, chosen, as_="done", by="ann", why="", expect=2).messages
                )
        except (Conflict, NotFound) as error:
            answers.append(type(error).__name__)

    run_together(decide, decide)
    assert sorted(map(str, answers)) == ["2", "Conflict"]
    assert len(audited(engine, "message.settle")) == 1


def test_the_figures_say_how_many_arrived_how_fast_and_how_many_twice(deps, judge, simulator, engine, tmp_path):
    simulator.plant("errcode", path="webhook/send", errcode=93000, times=1)
    path = write_ledger(tmp_path / "c.csv", [row(n) for n in range(1, 5)])
    go(deps, path)
    with engine.begin() as connection:
        found = views.figures(connection, "contracts")
        assert (found.messages, found.delivered, found.ended, found.success_rate) == (4, 3, 4, 75.0)
        assert 0 <= found.median_answer_s <= found.median_delivery_s < LIMIT_S
        assert (found.doubled, found.resent) == (0, 0)
        assert "75.0 % of 4 delivered" in views.figures_sentence(found)
        assert views.figures_sentence(views.figures(connection, "technicians")) == "nothing was sent in the last 30 days"
        connection.execute(
            sa.text("UPDATE contract_messages SET settled_at = claimed_at + interval '1 hour' WHERE state = 'dead'")
        )
        dead = store.OUTBOX.messages(connection, ["dead"])[0].id
        store.OUTBOX.settle(connection, [dead], as_="done", by="ann", why="by phone")
        assert views.figures(connection, "contracts").median_answer_s == found.median_answer_s
