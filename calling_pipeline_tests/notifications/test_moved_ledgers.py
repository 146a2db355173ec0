"""A ledger whose folder was moved is the ledger it was; one that was copied, or another of its name, is not."""

import pytest
import sqlalchemy as sa

from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.notifications.contracts.moving import move
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline_tests.notifications.world import row, statuses, write_ledger
from calling_pipeline_tests.support import LIMIT_S

SEEN = "SELECT contract_id, first_seen_at, notified_before, said_yes_at FROM contract_rows ORDER BY contract_id"


def go(deps, path):
    return run(deps, [path], created_by="a test", wait_s=LIMIT_S)


def rows_of(engine, statement):
    with engine.connect() as connection:
        return [tuple(found) for found in connection.execute(sa.text(statement))]


@pytest.fixture
def sent(deps, judge, tmp_path):
    """A ledger in a folder of its own: one contract was notified before our time, one by us."""
    (tmp_path / "old").mkdir()
    path = write_ledger(tmp_path / "old" / "north.csv", [row(1, notified="Y"), row(2)])
    go(deps, path)
    return path


def test_a_ledger_in_a_moved_folder_is_the_same_one_and_goes_on(deps, judge, engine, tmp_path, sent):
    before, messages = rows_of(engine, SEEN), len(judge.messages())
    assert [found[2] for found in before] == [True, False]
    sent.parent.rename(tmp_path / "new")
    moved = tmp_path / "new" / "north.csv"
    go(deps, moved)
    assert rows_of(engine, SEEN) == before
    assert rows_of(engine, "SELECT DISTINCT csv_file FROM contract_rows") == [(str(moved),)]
    assert rows_of(engine, "SELECT csv_file FROM contract_ledgers") == [(str(moved),)]
    assert rows_of(engine, "SELECT DISTINCT metadata ->> 'csv_file' FROM contract_messages") == [(str(moved),)]
    assert len(judge.messages()) == messages
    acts = rows_of(engine, "SELECT subject FROM audit_log WHERE act = 'contract_ledger.move'")
    assert acts == [("contract_ledger:north.csv",)]
    write_ledger(moved, [row(1, notified="Y"), row(2, notified="Y"), row(3)])
    go(deps, moved)
    assert statuses(moved) == {"id-1": "Y", "id-2": "Y", "id-3": "Y"}
    assert len(judge.messages()) == messages + 1


def test_a_copy_and_another_ledger_of_its_name_are_ledgers_of_their_own(deps, engine, tmp_path, sent):
    (tmp_path / "copy").mkdir()
    go(deps, write_ledger(tmp_path / "copy" / "north.csv", [row(2, notified="Y"), row(7)]))
    assert rows_of(engine, "SELECT count(DISTINCT csv_file) FROM contract_rows") == [(2,)]
    sent.unlink()
    (tmp_path / "other").mkdir()
    go(deps, write_ledger(tmp_path / "other" / "north.csv", [row(50)]))
    assert rows_of(engine, "SELECT count(DISTINCT csv_file) FROM contract_rows") == [(3,)]


def test_one_that_was_moved_before_our_time_is_joined_by_a_persons_word(deps, engine, tmp_path, sent):
    (tmp_path / "new").mkdir()
    moved = tmp_path / "new" / "north.csv"
    first_seen = rows_of(engine, SEEN)
    moved.write_bytes(sent.read_bytes())
    go(deps, moved)
    with engine.begin() as connection:
        with pytest.raises(Conflict):
            move(connection, sent, moved, by="ann")
        with pytest.raises(InvalidInput):
            move(connection, sent, tmp_path / "nothing.csv", by="ann")
    sent.unlink()
    with engine.begin() as connection:
        assert move(connection, sent, moved, by="ann", reason="a new disk") == 2
        with pytest.raises(NotFound):
            move(connection, sent, moved, by="ann")
        assert rows.known_ledgers(connection) == [str(moved)]
    assert rows_of(engine, SEEN) == first_seen
