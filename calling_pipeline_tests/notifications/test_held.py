"""While messages are held back they are made and wait; nothing is sent, and no run waits for them."""

from calling_pipeline.notifications import dispatch
from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.outgoing import holding
from calling_pipeline_tests.notifications.world import row, states, statuses, write_ledger
from calling_pipeline_tests.support import LIMIT_S


def test_held_messages_wait_and_go_out_once_afterwards(deps, judge, engine, tmp_path):
    ledger = write_ledger(tmp_path / "contracts.csv", [row(1), row(2)])
    with engine.begin() as connection:
        holding.hold(connection, "restored", "restored from a backup", by="ann")
    done = run(deps, [ledger], created_by="a test", wait_s=LIMIT_S)
    assert (done.delivery.attempted, done.delivery.next_due_at, judge.messages()) == (0, None, [])
    assert (states(engine), set(statuses(ledger).values())) == ({"pending": 2}, {"N"})
    with engine.begin() as connection:
        assert dispatch.work_waiting(connection) is None
        holding.lift(connection, "restored", by="ann", acts=["messages"])
        assert dispatch.work_waiting(connection) == "messages of contracts are due"
    assert run(deps, [ledger], created_by="a test", wait_s=LIMIT_S).delivery.delivered == 2
    assert len(judge.messages()) == 2
