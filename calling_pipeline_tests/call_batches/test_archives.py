"""Rows that old batches left out move into month files, whole or not at all; they are found and erased there."""

import datetime as dt
import json
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.analysis.number_history.gathering import number_history
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls.archives import archiving
from calling_pipeline.call_batches.calls.archives import store as archive_store
from calling_pipeline.call_batches.calls.archives.archiving import Archives, archive_due, erase, find
from calling_pipeline.call_batches.calls.archives.store_files import Keys, MonthFile
from calling_pipeline.database import locks
from calling_pipeline.errors import ConfigurationError, Conflict, SecretUnreadable
from calling_pipeline_tests.analysis.pushed_world import add_batch, add_push, phone
from calling_pipeline_tests.support import LIMIT_S, WAITING, wait_until

DAY = dt.date(2026, 8, 3)
TODAY = DAY + dt.timedelta(days=91)
NOON = dt.datetime.combine(DAY, dt.time(12), days.SHANGHAI)
ROWS = sa.text(
    "INSERT INTO call_tasks (batch_id, source_row, phone, raw, state, reason, row_key) SELECT :batch, 1000 + n,"
    " CASE WHEN n % 10 <> 0 THEN '138' || lpad(n::text, 8, '0') END, CASE WHEN n % 10 = 0 THEN 'tel. 13900000001 ' || n END,"
    " 'skipped', CASE WHEN n % 10 = 0 THEN 'unreadable' ELSE 'called_before' END, 'key ' || n"
    " FROM generate_series(1, :count) AS n"
)
LEFT = sa.text("SELECT * FROM call_tasks ORDER BY id")


@pytest.fixture
def archives(tmp_path):
    return Archives(tmp_path / "archives", Keys(b"seal", b"phones"), 90)


@pytest.fixture
def batch(engine):
    """A completed batch with 40 rows that were left out and one call."""
    with engine.begin() as connection:
        batch_id = add_batch(connection, DAY)
        add_push(connection, batch_id, 77, NOON)
        connection.execute(ROWS, {"batch": batch_id, "count": 40})
    return batch_id


def rows(engine):
    with engine.connect() as connection:
        return connection.execute(LEFT).all()


def outcome(engine, batch_id):
    with engine.connect() as connection:
        return batch_store.outcome(connection, batch_id)


def move(engine, archives, today=TODAY):
    return archive_due(engine.begin, archives, today=today)


def test_old_rows_that_were_left_out_move_and_those_of_calls_stay(engine, archives, batch, monkeypatch):
    monkeypatch.setattr(archiving, "SLICE", 15)
    before, counted = rows(engine), outcome(engine, batch)
    assert move(engine, archives, today=DAY + dt.timedelta(days=90)).rows == 0, "not yet"
    assert vars(move(engine, archives)) == {"batches": 1, "rows": 40}
    assert [row.state for row in rows(engine)] == ["pushed"]
    assert outcome(engine, batch) == counted, "the batch still adds up"
    assert vars(move(engine, archives)) == {"batches": 0, "rows": 0}
    with engine.connect() as connection:
        [found] = find(connection, archives, phone(7))
        assert find(connection, archives, phone(41)) == []
    [old] = [row for row in before if row.phone == phone(7)]
    assert {name: found[name] for name in old._mapping if name in found} == {
        name: value for name, value in old._mapping.items() if name in found
    }


def test_why_finds_an_archived_row_as_before(engine, archives, batch):
    def why():
        with engine.connect() as connection:
            return number_history(connection, [b"key"], phone(7), archives=archives)

    before = why()
    assert before["rows"]
    move(engine, archives)
    assert why() == before


def test_an_open_batch_a_young_one_and_one_with_an_unknown_call_stay(engine, archives, batch):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE call_tasks SET state = 'unknown' WHERE state = 'pushed'"))
    assert move(engine, archives).rows == 0
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE call_tasks SET state = 'pushed' WHERE state = 'unknown'"))
        connection.execute(sa.text("UPDATE call_batches SET state = 'paused'"))
    assert move(engine, archives).rows == 0


def test_nothing_leaves_the_database_that_the_file_does_not_hold(engine, archives, batch, monkeypatch):
    before, original = rows(engine), MonthFile.put
    monkeypatch.setattr(MonthFile, "put", lambda self, of, some: original(self, of, some[:-1]))
    with pytest.raises(Conflict, match="does not hold what was written"):
        move(engine, archives)
    assert rows(engine) == before


def test_a_run_that_ended_between_file_and_database_is_gone_on_with(engine, archives, batch, monkeypatch):
    before = rows(engine)
    with monkeypatch.context() as broken:
        broken.setattr(archive_store, "add", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            move(engine, archives)
    assert rows(engine) == before
    assert move(engine, archives).rows == 40
    with engine.connect() as connection:
        assert len(find(connection, archives, phone(7))) == 1


def test_files_are_encrypted_and_only_their_owner_may_open_them(engine, archives, batch):
    move(engine, archives)
    [file] = archives.folder.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("rows_2026-08.sqlite", 0o600)
    content = file.read_bytes()
    assert phone(7).encode() not in content
    assert b"13900000001" not in content
    other = Archives(archives.folder, Keys(b"another", b"phones"), 90)
    with engine.connect() as connection, pytest.raises(SecretUnreadable, match="CALLING_SECRET_KEY"):
        find(connection, other, phone(7))


def test_a_chunk_cannot_be_read_in_another_place(engine, archives, batch):
    move(engine, archives)
    [file] = archives.folder.iterdir()
    with sqlite3.connect(file) as opened:
        opened.execute("UPDATE chunks SET batch_id = batch_id + 1")
        opened.execute("UPDATE slices SET batch_id = batch_id + 1")
    with engine.connect() as connection, pytest.raises(SecretUnreadable):
        find(connection, archives, phone(7))


def test_a_person_is_erased_from_files_also_where_a_text_names_the_number(engine, archives, batch):
    move(engine, archives)
    with engine.begin() as connection:
        assert len(find(connection, archives, "13900000001", digits="13900000001")) == 4
        assert erase(connection, archives, "13900000001", token="person:1", digits="13900000001") == 4
        assert erase(connection, archives, phone(7), token="person:2", digits=phone(7)) == 1
        assert find(connection, archives, phone(7), digits=phone(7)) == []
        assert find(connection, archives, "13900000001", digits="13900000001") == []
        assert len(find(connection, archives, phone(8))) == 1
    [file] = archives.folder.iterdir()
    with sqlite3.connect(file) as opened:
        first = opened.execute("SELECT slice FROM slices").fetchone()[0]
    kept = MonthFile(file, archives.keys).slice_of(batch, first)
    assert len(kept) == 40
    assert phone(7) not in json.dumps(kept, default=str)


def test_rows_wait_for_an_erasure_under_way(engine, archives, batch):
    """Else a number that is erased in the database would come to stand in a file afterwards."""

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as erasing:
            locks.hold(erasing, "call batches", "planning")
            moving = pool.submit(move, engine, archives)
            wait_until(lambda: moving.done() or waits(engine))
            erasing.execute(sa.text("UPDATE call_tasks SET phone = 'person:1' WHERE phone = :phone"), {"phone": phone(7)})
        assert moving.result(LIMIT_S).rows == 40
    with engine.connect() as connection:
        assert find(connection, archives, phone(7)) == []


def waits(engine):
    with engine.connect() as connection:
        return connection.exec_driver_sql(WAITING).scalar_one()


def test_a_file_that_is_not_there_is_said_and_not_taken_for_an_empty_one(engine, archives, batch):
    move(engine, archives)
    [file] = archives.folder.iterdir()
    file.unlink()
    with engine.connect() as connection, pytest.raises(ConfigurationError, match=r"rows_2026-08\.sqlite is not in"):
        find(connection, archives, phone(7))
    assert list(archives.folder.iterdir()) == []


def test_rows_are_not_archived_without_the_setting_or_before_ninety_days(engine, archives, batch):
    never = Archives(archives.folder, archives.keys, 0)
    assert move(engine, never).rows == 0
    with pytest.raises(ConfigurationError, match="90 days at least"):
        move(engine, Archives(archives.folder, archives.keys, 30))
