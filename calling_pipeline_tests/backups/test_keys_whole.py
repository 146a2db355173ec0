"""A rotation of keys reaches everything that is sealed or hashed, and the gate keeps its word before, amid and after it."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from calling_pipeline import days
from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.backups.key_rotation import recordings as rotated_recordings
from calling_pipeline.backups.key_rotation import rotating, store
from calling_pipeline.backups.key_rotation.sealed import SEALED
from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.database import locks
from calling_pipeline.database.crypto import phone_key_of
from calling_pipeline.database.tables import metadata
from calling_pipeline.errors import Conflict, InvalidInput, SecretUnreadable
from calling_pipeline.masking import phone_hash
from calling_pipeline.persons import erasing, finding
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings import store as recording_store
from calling_pipeline.telephony.calls.recordings.keeping import Keeping, owner_of
from calling_pipeline.telephony.calls.recordings.playing import delete_old, open_recording
from calling_pipeline.telephony.calls.recordings.sealed_files import SealedWriter
from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases import store as case_store
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline_tests.analysis.pushed_world import DAY, MORNING, add_batch, add_push, add_record, kept, phone
from calling_pipeline_tests.call_batches.desk import ALL_DAY

OLD, NEW = "the old key of this test, long enough", "the new key of this test, long enough"
GONE, STAYS = "13800000001", "13800000002"
SOUND = b"a call" * 20_000
DIGESTS = {
    ("access_sessions", "digest"): "of a random cookie, without a key",
    ("access_tokens", "digest"): "of a random token, without a key",
    ("call_callbacks", "body_digest"): "of a body, without a key",
    ("contract_ledgers", "content"): "the file itself",
    ("contract_ledgers", "digest"): "of the file, without a key",
    ("infinity_configs", "callback_path_digest"): "of a random path, without a key",
    ("kept_callbacks", "body_digest"): "of a body, without a key",
    ("login_attempts", "key"): "of a name or address; kept for minutes",
    ("login_links", "digest"): "of a random secret, without a key",
}
"""Columns of bytes that no key of ours made, and why."""


def bytes_columns(engine):
    found = sa.text("""
        SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype
    """)
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(found)}


def test_every_column_of_bytes_is_rotated_or_made_without_a_key(engine):
    typed = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns
             if isinstance(column.type, sa.LargeBinary)}  # fmt: skip
    rotated = {(one.table.name, one.column) for one in SEALED}
    rotated |= {(one.table.name, one.hashed) for one in SEALED if one.hashed}
    rotated |= {(table.name, column) for table, column, _ in store.HASHED}
    there = bytes_columns(engine)
    assert there == typed
    assert there - rotated - set(DIGESTS) == set(), "sealed or hashed, and `keys rotate` does not know it"
    assert not rotated & set(DIGESTS)
    assert rotated | set(DIGESTS) == there, "named, and not there"


@pytest.fixture
def of(engine, app_settings):
    """A runtime on the database with the old key, both, or the new one."""

    def made(secret, previous=None):
        changes = {"secret_key": SecretStr(secret), "secret_key_previous": SecretStr(previous) if previous else None}
        return Runtime(app_settings.model_copy(update=changes), engine=engine)

    return made


def erase(runtime, number=GONE):
    with runtime.transaction() as connection:
        return erasing.erase(connection, PersonDependencies.from_runtime(runtime), number, by="ann", reason="letter")


def allowed(runtime, number):
    with runtime.transaction() as connection:
        return gate.check(connection, Attempt(number, "call_batches", "ref", days.now()), policy_from(ALL_DAY)).allowed


def killed_amid(runtime, monkeypatch):
    """A rotation that ends after the first sealed column, as a kill would end it; what was committed stays."""
    first = SEALED[0]
    monkeypatch.setattr(rotating, "SEALED", [first])

    def ended(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(rotating, "_collect", ended)
    with pytest.raises(KeyboardInterrupt):
        rotating.rotate(runtime, by="ann")
    monkeypatch.undo()


def test_who_was_erased_is_refused_before_amid_and_after_a_rotation_and_the_old_key_is_needed_no_more(of, monkeypatch):
    erase(of(OLD))
    both = of(NEW, OLD)
    assert (allowed(both, GONE), allowed(both, STAYS)) == (False, True)
    killed_amid(both, monkeypatch)
    assert (allowed(both, GONE), allowed(both, STAYS)) == (False, True)
    assert rotating.rotate(both, by="ann").unreadable == ()
    assert (allowed(of(NEW), GONE), allowed(of(NEW), STAYS)) == (False, True)


def test_results_of_calls_are_the_same_at_each_moment_of_a_rotation(of, engine):
    runtime = of(OLD)
    with engine.begin() as connection:
        batch = add_batch(connection)
        pushes = [add_push(connection, batch, number, MORNING) for number in (1, 2)]
        for number in (1, 2):
            hashed = phone_hash(runtime.phone_key, phone(number))
            add_record(connection, number, number, MORNING + dt.timedelta(minutes=1), phone_hash=hashed)

    def joined(now):
        with engine.begin() as connection:
            join_day(connection, DAY, JoinRules.of(now.settings, now.phone_keys))
            found = kept(connection)
        return [(found[call].result, found[call].record_id) for call in pushes]

    both, whole = of(NEW, OLD), [("connected", 1), ("connected", 2)]
    assert joined(runtime) == whole
    assert joined(both) == whole
    with engine.begin() as connection:  # a rotation that ended amid the day's records
        new = phone_hash(both.phone_key, phone(1))
        connection.execute(sa.text("UPDATE call_records SET phone_hash = :new WHERE id = 1"), {"new": new})
    assert joined(both) == whole
    rotating.rotate(both, by="ann")
    assert joined(of(NEW)) == whole


def test_an_erasure_amid_a_rotation_finds_rows_of_both_keys_and_their_tokens_go_over(of, engine):
    both = of(NEW, OLD)
    with engine.begin() as connection:
        for number, key in ((1, OLD), (2, NEW)):
            add_record(connection, number, 1, MORNING, phone_hash=phone_hash(phone_key_of(key.encode()), GONE))
    erase(of(OLD), STAYS)
    made = erase(both)
    assert {one["place"]: one["rows"] for one in made.document["erased"]} == {"call_records": 2}
    with engine.begin() as connection:
        token = made.document["token"]
        old = phone_hash(phone_key_of(OLD.encode()), token)
        connection.execute(sa.text("UPDATE call_records SET phone_hash = :old WHERE id = 1"), {"old": old})
    rotating.rotate(both, by="ann")
    with engine.connect() as connection:
        hashes = connection.exec_driver_sql("SELECT phone_hash FROM call_records").scalars()
        assert {bytes(one) for one in hashes} == {phone_hash(of(NEW).phone_key, token)}


@pytest.fixture
def collector(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "INSERT INTO collectors (tenant_id, id, name, callback_number_sealed, callback_number_masked, active,"
            " created_at, updated_at) VALUES (1, 1, 'Ann', '', '', true, now(), now())"
        )


def test_a_collector_has_one_open_case_of_a_number_whichever_key_hashed_it(of, engine, collector):
    def add(runtime):
        with engine.begin() as connection:
            return cases.add(connection, runtime.secrets, runtime.phone_keys, 1, NewCase(1, GONE, ""), who="ann")

    first, both = add(of(OLD)), of(NEW, OLD)
    with pytest.raises(Conflict, match="open case with that number already"):
        add(both)
    with engine.begin() as connection:
        again = cases.find_or_add(connection, both.secrets, both.phone_keys, 1, NewCase(1, GONE, ""), who="ann")
    assert again.id == first.id
    erase(both, GONE)
    with pytest.raises(InvalidInput, match="had their data erased"):
        add(both)
    with engine.begin() as connection:
        assert case_store.last_place(connection, 1) == 1


@pytest.fixture
def recordings(of, engine):
    """Three kept recordings that the old key sealed, of more than one chunk each; the places of their files."""
    before, places = Keeping.of(of(OLD).settings), {}
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for record in (7, 8, 9):
            places[record] = f"1/{record}"
            connection.exec_driver_sql(
                "INSERT INTO call_recordings (record_id, tenant_id, config_id, state, known_at, expires_at, next_try_at,"
                f" file, bytes, kept_at) VALUES ({record}, 1, 1, 'kept', now(), now(), now(), '1/{record}', {len(SOUND)},"
                " now())"
            )
            with before.store.writing(places[record]) as file:
                writer = SealedWriter(file, before.key, owner_of(1, record))
                writer.write(SOUND)
                writer.finish()
    return places


def played(engine, runtime, record):
    with engine.begin() as connection:
        playable = open_recording(connection, Keeping.of(runtime.settings), record)
    return b"".join(playable.read(0, playable.size))


def test_recordings_play_with_the_new_key_alone_after_a_rotation(of, engine, recordings, monkeypatch):
    monkeypatch.setattr(rotated_recordings, "_AT_ONCE", 2)
    for record in recordings:
        assert played(engine, of(NEW, OLD), record) == SOUND, "before it, with both keys"
        with pytest.raises(SecretUnreadable):
            played(engine, of(NEW), record)
    assert rotating.rotate(of(NEW, OLD), by="ann").sealed["recordings"] == 3
    assert [played(engine, of(NEW), record) for record in recordings] == [SOUND] * 3
    assert rotating.rotate(of(NEW, OLD), by="ann").sealed["recordings"] == 0


def test_retention_and_a_rotation_have_no_recording_in_hand_at_once(of, engine, recordings, monkeypatch):
    monkeypatch.setattr(rotated_recordings, "_AT_ONCE", 2)
    keeping = dataclasses.replace(Keeping.of(of(NEW, OLD).settings), days=0)
    folder = of(NEW).settings.home / "recordings"

    def files():
        return sorted(path.name for path in folder.rglob("*") if path.is_file())

    with engine.connect() as rotation, engine.connect() as housekeeping:
        assert next(rotated_recordings.resealed(rotation, keeping, [])) == 2
        locks.wait_at_most(housekeeping, 0.05)
        assert len(recording_store.next_kept(housekeeping, 0, 3)) == 3, "what is done is nobody's"
        housekeeping.rollback()
        assert recording_store.next_kept(rotation, 0, 3)
        locks.wait_at_most(housekeeping, 0.05)
        with pytest.raises(OperationalError):
            delete_old(housekeeping, keeping)
        housekeeping.rollback()
        rotation.rollback()
        assert files() == ["7", "8", "9"]
        assert delete_old(housekeeping, keeping) == 3
        locks.wait_at_most(rotation, 0.05)
        with pytest.raises(OperationalError):
            next(rotated_recordings.resealed(rotation, keeping, []))
        rotation.rollback()
        housekeeping.commit()
        assert list(rotated_recordings.resealed(rotation, keeping, [])) == []
    assert files() == []


def test_an_export_amid_a_rotation_gives_out_rows_of_both_keys(of, engine):
    with engine.begin() as connection:
        for number, key in ((1, OLD), (2, NEW)):
            add_record(connection, number, 1, MORNING, phone_hash=phone_hash(phone_key_of(key.encode()), GONE))
    deps = PersonDependencies.from_runtime(of(NEW, OLD))
    with engine.begin() as connection:
        found = finding.export(connection, dataclasses.replace(deps), GONE, by="ann")
    assert len(found["tables"]["call_records"]["rows"]) == 2
