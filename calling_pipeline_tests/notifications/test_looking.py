"""What people look at: ledgers by state, causes, receivers; and by which indexes lists of many messages are read."""

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.errors import Conflict, NotFound
from calling_pipeline.masking import mask_mobiles
from calling_pipeline.notifications import starting
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.notifications.outbox.records import Selection
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.notifications.overview import causes, ledger_states
from calling_pipeline.notifications.robots import missing_receivers, receiver_states
from calling_pipeline_tests.notifications.world import row, states, write_ledger
from calling_pipeline_tests.support import LIMIT_S, join_all, wait_until

MANY = """
    INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history,
        created_at)
    SELECT 'send_wecom_message', 'robot:' || n % 50, 'a text', 0, jsonb_build_object('contract_id', 'c-' || n),
        CASE WHEN n % 300 = 0 THEN 'dead' WHEN n % 301 = 0 THEN 'pending' ELSE 'delivered' END, 1, 0, now(), '[]',
        now() - n * interval '1 minute'
    FROM generate_series(1, 20000) AS n;
    INSERT INTO notification_lanes SELECT 'robot:' || n, '{}' FROM generate_series(0, 49) AS n;
    ANALYZE contract_messages, notification_lanes
"""


def plan_of(engine, work):
    """The plans of the statements that `work` runs."""
    ran = []

    def keep(_connection, _cursor, statement, parameters, _context, _many):
        ran.append((statement, parameters))

    with engine.connect() as connection:
        sa.event.listen(engine, "before_cursor_execute", keep)
        try:
            work(connection)
        finally:
            sa.event.remove(engine, "before_cursor_execute", keep)
        return "\n".join(
            line
            for statement, values in ran
            for line in connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()
        )


def many(engine):
    with engine.begin() as connection:
        driver_connection(connection).execute(MANY)


@pytest.mark.parametrize(
    ("selection", "index"),
    [
        (Selection(), "ix_contract_messages_made"),
        (Selection(states=("abandoned",)), "ix_contract_messages_state"),
        (Selection(receiver="robot:nobody"), "ix_contract_messages_receiver"),
        (Selection(since=days.now() - dt.timedelta(days=2), until=days.now()), "ix_contract_messages_made"),
        (Selection(subject="c-7"), "uq_contract_messages_contract_id_kind"),
    ],
)
def test_a_page_of_many_messages_is_read_by_an_index(engine, selection, index):
    many(engine)
    plan = plan_of(engine, lambda connection: OUTBOXES["contracts"].newest(connection, selection, limit=51))
    assert index in plan
    assert "Seq Scan" not in plan


def test_a_claim_goes_by_the_lanes_and_by_no_index_of_the_lists(engine):
    many(engine)
    outbox = OUTBOXES["contracts"]
    with engine.connect() as connection:
        explained = driver_connection(connection).execute(f"EXPLAIN {outbox.claim_sql}", outbox.claim_values(1, 40, 20))
        plan = "\n".join(str(line) for (line,) in explained)
    assert "ix_contract_messages_lane" in plan
    assert not any(f"ix_contract_messages_{name}" in plan for name in ("made", "state", "receiver"))


def test_ledgers_have_their_contracts_by_state_with_what_each_parked_line_needs(deps, judge, tmp_path):
    path = write_ledger(
        tmp_path / "c.csv",
        [
            row(1),
            row(2, notified="Y"),
            row(3, city="广州"),
            row(4),
            row(4, **{"备注": "无"}),
            row(5, **{"管家累计单数": "x"}),
        ],
    )
    run(deps, [path], created_by="a test", wait_s=0)
    write_ledger(path, [row(1), row(2, notified="Y"), row(3, city="广州"), row(4), row(4, **{"备注": "无"}), row(6)])
    run(deps, [path], created_by="a test", wait_s=0)
    with deps.transaction() as connection:
        found, other = ledger_states(connection, [path, tmp_path / "other.csv"])
        listed = {
            state: rows.contracts(connection, state=state, limit=50) for state in ("yes", "waiting", "asked", "parked")
        }
        lines = rows.parked_lines(connection, str(path), limit=50)
    assert (found.yes, found.asked, found.parked_lines, found.contradictions, found.without_receiver) == (2, 1, 3, 1, 1)
    assert (other.read_at, other.there, other.configured) == (None, False, True)
    assert {state: sorted(one["contract_id"] for one in of_one) for state, of_one in listed.items()} == {
        "yes": ["id-2", "id-6"],
        "waiting": ["id-5"],
        "asked": ["id-1"],
        "parked": ["id-3"],
    }
    assert [(line.line, line.needs, line.contradicts) for _, _, line in lines] == [
        (4, "receiver", False),
        (5, "ledger", True),
        (6, "ledger", True),
    ]


def test_held_messages_of_one_cause_are_one_group_whoever_was_to_receive_them(deps, judge, tmp_path):
    judge.rules(bad_keys=["key-bj", "key-sh"], unknown_users=["boss-bj"])
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2, city="上海"), row(3), row(4, award="1")])
    run(deps, [path], created_by="a test", wait_s=0)
    with deps.transaction() as connection:
        first, second = causes(connection, OUTBOXES["contracts"])
    assert (first.cause, first.messages, first.receivers, first.sample.id) == (
        "errcode 93000",
        4,
        ("robot:上海", "robot:北京"),
        1,
    )
    assert (second.cause, second.messages) == ("errcode 81013", 1)


def test_receivers_are_shown_with_use_errors_and_what_the_settings_lack(deps, judge, tmp_path):
    judge.rules(bad_keys=["key-sh"])
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2, city="上海"), row(3, city="广州")])
    run(deps, [path], created_by="a test", wait_s=0)
    with deps.transaction() as connection:
        found = {one.receiver: one for one in receiver_states(connection, deps)}
        missing = missing_receivers(connection, deps)
    assert sorted(found) == ["robot:上海", "robot:北京", "user:上海", "user:北京"]
    assert (found["robot:北京"].made, found["robot:北京"].errors) == ({"delivered": 1}, ())
    assert found["robot:北京"].last_delivered_at is not None
    assert (found["robot:上海"].held, found["robot:上海"].errors) == ({"unknown": 0, "dead": 1}, ("errcode 93000",))
    assert [(one.what, one.name, one.setting, one.needed_by, one.count) for one in missing] == [
        ("robot", "广州", "CALLING_WECOM_ROBOTS", "lines", 1)
    ]


def test_a_run_in_the_background_is_one_at_a_time_and_of_the_number_that_was_looked_at(deps, judge, simulator, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2)])
    with pytest.raises(Conflict, match="would make 2 messages now, not 3"):
        starting.start(deps, [path], by="li", expect=3)
    assert states(deps.engine) == {}
    simulator.plant("slow", path="webhook/send", seconds=LIMIT_S, times=2)  # until the faults are cleared
    task_id = starting.start(deps, [path], by="li", expect=2)
    wait_until(lambda: states(deps.engine))
    with pytest.raises(Conflict, match=f"the run {task_id} is still under way"):
        starting.start(deps, [path], by="wang", expect=0)
    simulator.clear_faults()
    join_all(*[one for one in threading.enumerate() if one.name == task_id])
    assert (states(deps.engine), len(judge.messages())) == ({"delivered": 2}, 2)


def test_a_file_that_is_no_ledger_of_ours_is_not_read(deps, tmp_path):
    write_ledger(tmp_path / "other.csv", [row(1)])
    with pytest.raises(NotFound):
        starting.ledgers_of(deps, [], str(tmp_path / "other.csv"))
    with pytest.raises(NotFound, match="CALLING_CONTRACT_LEDGERS"):
        starting.ledgers_of(deps, [], None)


def test_a_mobile_number_in_a_text_is_masked_and_no_amount_or_contract_number():
    text = "合同 YHWX-BJ-2026010001，累计 13812340000.00 元，1,380,000 元；电话 138 1234 0000 或 +86 13912345678"
    assert mask_mobiles(text) == (
        "合同 YHWX-BJ-2026010001，累计 13812340000.00 元，1,380,000 元；电话 138****0000 或 139****5678"
    )
