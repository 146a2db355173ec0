"""Recordings: fetched once and whole before their link expires, kept encrypted, deleted by retention."""

import asyncio
import datetime as dt
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from calling_pipeline import days
from calling_pipeline.errors import SecretUnreadable
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings import sealed_files, store
from calling_pipeline.telephony.calls.recordings.fetching import fetch_due
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.calls.recordings.playing import delete_old, open_recording
from calling_pipeline.telephony.calls.recordings.records import Fetch
from calling_pipeline.telephony.calls.recordings.sealed_files import CHUNK, MAGIC, SealedReader, SealedWriter
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring import alerting
from calling_pipeline.vendors.recordings import expiry_of
from calling_pipeline_tests.support import start_process, wait_until
from calling_pipeline_tests.telephony.support import callback_body, signed

KEY, OWNER = b"a key of sixteen bytes or more", "tenant:1:call:7"


@pytest.fixture
def recorded(office, infinity, api):
    """A call that was connected, and whose callback named the recording's link; answers (call id, link)."""
    infinity.behave(answer_rate=1.0, ring_s=[0.0, 0.0], talk_s=[0.0, 0.0])

    def call(collector=1, link=None):
        made = office.call(collector, f"1380000000{collector}")
        (uuid,) = [one["call_uuid"] for one in infinity.get("/infinity/_sim/calls") if one["call_uuid"] == made.call_uuid]
        form = {"service": "App.Sip_Auth.Login", "appid": "app", "accesskey": "a-good-access-key"}
        address = f"{infinity.url}/infinity/api"
        token = api.post(address, data=form).json()["data"]["token"]
        asked = {"service": "App.Sip_Cdr.GetRecodeFile", "token": token, "recordfile": f"{uuid}.wav"}
        url = link or api.post(address, data=asked).json()["data"]["url"]
        body = callback_body(uuid, call_record_url=url)
        api.post("/api/v1/infinity/callback/call-record", content=body, headers=signed(body)).raise_for_status()
        return made.call_id, url

    return call


def fetch(office, **limits):
    async def within():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            return await fetch_due(deps, Keeping.of(office.runtime.settings), **limits)

    return asyncio.run(within())


def recording(office, call_id):
    with office.runtime.transaction() as connection:
        return store.find(connection, call_id)


def files(office):
    return [path for path in (office.runtime.settings.home / "recordings").rglob("*") if path.is_file()]


def sound(office, call_id, first=0, end=None, runtime=None):
    with office.runtime.transaction() as connection:
        playable = open_recording(connection, Keeping.of((runtime or office.runtime).settings), call_id)
    return b"".join(playable.read(first, playable.size if end is None else end))


def due_now(office):
    office.rows("UPDATE call_recordings SET next_try_at = now() - interval '1 second', claimed_until = NULL RETURNING 1")


def test_a_recording_is_fetched_once_kept_encrypted_and_read_back_from_any_place(office, recorded, api):
    call_id, link = recorded()
    done = fetch(office)
    assert (done.queued, done.kept) == (1, 1)
    whole = api.get(link).content
    assert whole.startswith(b"RIFF")
    assert sound(office, call_id) == whole
    assert sound(office, call_id, 20_000, 20_500) == whole[20_000:20_500]
    (file,) = files(office)
    assert whole[:200] not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    assert fetch(office) == type(done)()


def test_an_expired_link_is_seen_as_lost_and_raises_an_alert(office, recorded, infinity):
    infinity.behave(recording_link_s=-5)
    call_id, _ = recorded()
    assert fetch(office).lost == 1
    found = recording(office, call_id)
    assert found.state == "expired"
    assert "404" in found.failure
    with office.runtime.transaction() as connection:
        assert f"telephony_recordings:{office.config_id}" in alerting.judge(connection)


def test_a_link_that_fails_is_tried_again_with_growing_pauses_until_it_would_expire(office, recorded, infinity):
    call_id, _ = recorded()
    infinity.plant("status", path="recordings", status=503, times=2)
    pauses = []
    for _ in range(2):
        assert fetch(office).later == 1
        found = recording(office, call_id)
        pauses.append((found.next_try_at - days.now()).total_seconds())
        due_now(office)
    assert pauses[1] > pauses[0] + 10
    assert fetch(office).kept == 1
    assert recording(office, call_id).attempts == 3


@pytest.mark.parametrize("fault", ["half", "reset"])
def test_a_body_that_is_cut_leaves_no_file(office, recorded, infinity, fault):
    call_id, _ = recorded()
    infinity.plant(fault, path="recordings")
    assert fetch(office).later == 1
    assert files(office) == []
    due_now(office)
    assert fetch(office).kept == 1
    assert sound(office, call_id).startswith(b"RIFF")


def test_a_body_beyond_the_limit_and_a_private_address_are_refused_for_good(office, recorded, infinity):
    call_id, _ = recorded()
    infinity.plant("huge", path="recordings", bytes=2 * 1024**3)
    assert fetch(office).lost == 1
    assert recording(office, call_id).state == "refused"
    assert files(office) == []
    guarded = Runtime(office.runtime.settings.model_copy(update={"allow_private_urls": False}))
    other, _ = recorded(2)

    async def within():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            return await fetch_due(deps, Keeping.of(guarded.settings))

    assert asyncio.run(within()).lost == 1
    assert "private" in recording(office, other).failure
    guarded.close()


def test_a_page_instead_of_a_sound_is_not_kept(office, recorded, infinity):
    recorded()
    infinity.plant("garbage", path="recordings")
    assert fetch(office).later == 1
    assert files(office) == []


def test_two_workers_do_not_fetch_one_recording_twice(office, recorded, infinity):
    for collector in range(1, 6):
        recorded(collector)

    async def within():
        async with TelephonyDependencies.from_runtime(office.runtime) as deps:
            keeping = Keeping.of(office.runtime.settings)
            return await asyncio.gather(*(fetch_due(deps, keeping) for _ in range(3)))

    assert sum(done.kept for done in asyncio.run(within())) == 5
    assert office.rows("SELECT max(attempts), count(*) FROM call_recordings WHERE state = 'kept'") == [(1, 5)]
    assert len(files(office)) == 5


def test_a_fetch_whose_claim_ran_out_does_not_replace_the_one_that_followed(office, recorded):
    call_id, _ = recorded()
    fetch(office)
    late = Fetch(call_id, 1, office.config_id, 0, 1, days.now(), "https://x.test/", None)
    with office.runtime.transaction() as connection:
        assert not store.keep(connection, late, file="other", size=1, media_type="audio/wav", now=days.now())
        store.postpone(connection, late, until=days.now(), failure="late")
    assert recording(office, call_id).state == "kept"


def test_a_fetch_whose_claim_ran_out_changes_nothing_while_another_is_at_work(office, recorded):
    call_id, _ = recorded()
    now, minute = days.now(), dt.timedelta(minutes=1)
    with office.runtime.transaction() as connection:
        (link,) = store.take_new(connection, 10)
        store.want(connection, link, now=now, expires_at=now + 60 * minute)
        (late,) = store.claim(connection, now=now, until=now + minute, limit=9)
        assert store.claim(connection, now=now, until=now + minute, limit=9) == []
        (held,) = store.claim(connection, now=now + minute, until=now + 3 * minute, limit=9)
        assert not store.keep(connection, late, file="late", size=1, media_type="audio/wav", now=now)
        assert not store.give_up(connection, late, state="expired", failure="late", now=now)
        store.postpone(connection, late, until=now, failure="late")
        assert store.claim(connection, now=now + 2 * minute, until=now + 9 * minute, limit=9) == []
        assert store.keep(connection, held, file="held", size=1, media_type="audio/wav", now=now)
    found = recording(office, call_id)
    assert (found.state, found.failure) == ("kept", "")


DRIVER = """
import asyncio, sys
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.calls.recordings.fetching import fetch_due
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.dependencies import TelephonyDependencies
async def main():
    runtime = Runtime(load(home=sys.argv[1], database_url=sys.argv[2], secret_key=sys.argv[3], allow_private_urls=True))
    async with TelephonyDependencies.from_runtime(runtime) as deps:
        await fetch_due(deps, Keeping.of(runtime.settings))
asyncio.run(main())
"""


def test_a_process_killed_amid_a_fetch_leaves_no_half_file_taken_for_whole(office, recorded, infinity):
    call_id, _ = recorded()
    infinity.plant("trickle", path="recordings", seconds=600)
    settings = office.runtime.settings
    address = settings.database_url.get_secret_value()
    process = start_process(
        [sys.executable, "-c", DRIVER, str(settings.home), address, settings.secret_key.get_secret_value()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: any(fault["struck"] for fault in infinity.get("/_sim/faults")))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert recording(office, call_id).state == "wanted"
    assert fetch(office).kept == 0  # the claim of the process that was killed still holds
    due_now(office)
    assert fetch(office).kept == 1, recording(office, call_id).failure
    assert sound(office, call_id).startswith(b"RIFF")
    (part,) = [path for path in files(office) if path.suffix == ".part"]
    two_days_ago = time.time() - 2 * 86_400
    os.utime(part, (two_days_ago, two_days_ago))
    assert Keeping.of(office.runtime.settings).store.clear() == 1


def test_retention_deletes_the_file_and_keeps_that_there_was_one(office, recorded):
    call_id, _ = recorded()
    fetch(office)
    with office.runtime.transaction() as connection:
        assert delete_old(connection, Keeping.of(office.runtime.settings)) == 0
    office.rows("UPDATE call_recordings SET kept_at = now() - interval '181 days' RETURNING 1")
    with office.runtime.transaction() as connection:
        assert delete_old(connection, Keeping.of(office.runtime.settings)) == 1
    assert files(office) == []
    assert recording(office, call_id).state == "deleted"
    assert recording(office, call_id).bytes > 0


def test_another_key_a_changed_file_and_a_cut_file_are_refused(office, recorded):
    call_id, _ = recorded()
    fetch(office)
    other = Runtime(office.runtime.settings.model_copy(update={"secret_key": None}))
    with pytest.raises(SecretUnreadable):
        sound(office, call_id, runtime=other)
    other.close()
    (file,) = files(office)
    content = bytearray(file.read_bytes())
    file.write_bytes(bytes(content[:-1]))
    with pytest.raises(SecretUnreadable):
        sound(office, call_id)
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(SecretUnreadable):
        sound(office, call_id)


def sealed(content):
    file = io.BytesIO()
    writer = SealedWriter(file, KEY, OWNER)
    for start in range(0, len(content), 1000):
        writer.write(content[start : start + 1000])
    writer.finish()
    return file.getvalue()


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])
def test_a_sealed_file_is_read_from_any_place_and_never_without_its_end(size):
    content = os.urandom(size)
    file = sealed(content)
    assert b"".join(SealedReader(io.BytesIO(file), KEY, OWNER, size).read(0, size)) == content
    middle = size // 2
    assert b"".join(SealedReader(io.BytesIO(file), KEY, OWNER, size).read(middle, size)) == content[middle:]
    for wrong in (file[:-1], file[: -(size % CHUNK or CHUNK) - 16]):
        with pytest.raises(SecretUnreadable):
            SealedReader(io.BytesIO(wrong), KEY, OWNER, size).verify()
    with pytest.raises(SecretUnreadable):
        SealedReader(io.BytesIO(file), KEY, "tenant:1:call:8", size).verify()
    if size > 2 * CHUNK:
        head, one = 22, CHUNK + 16
        swapped = file[:head] + file[head + one : head + 2 * one] + file[head : head + one] + file[head + 2 * one :]
        with pytest.raises(SecretUnreadable):
            SealedReader(io.BytesIO(swapped), KEY, OWNER, size).verify()


def test_a_chunk_is_bound_to_its_owner_beside_the_key():
    file = sealed(b"a conversation")
    head = len(MAGIC) + 16
    cipher = sealed_files._cipher(KEY, file[len(MAGIC) : head], OWNER)
    nonce = sealed_files._nonce(0, last=True)
    assert cipher.decrypt(nonce, file[head:], OWNER.encode()) == b"a conversation"
    with pytest.raises(InvalidTag):
        cipher.decrypt(nonce, file[head:], None)


def test_a_writer_that_did_not_finish_leaves_what_no_reader_takes():
    file = io.BytesIO()
    writer = SealedWriter(file, KEY, OWNER)
    writer.write(bytes(2 * CHUNK))
    with pytest.raises(SecretUnreadable):
        SealedReader(io.BytesIO(file.getvalue()), KEY, OWNER, CHUNK).verify()


def test_links_say_until_when_they_work_in_their_own_ways():
    at = dt.datetime(2026, 11, 30, 4, tzinfo=dt.UTC)
    stamp = int(at.timestamp())
    for query in (f"Expires={stamp}", f"e={stamp}", "X-Amz-Date=20261130T030000Z&X-Amz-Expires=3600"):
        assert expiry_of(f"https://x.test/a.wav?{query}") == at
    for query in ("", "e=soon", "X-Amz-Date=never&X-Amz-Expires=1"):
        assert expiry_of(f"https://x.test/a.wav?{query}") is None


def test_a_listener_gets_ranges_and_each_listening_is_in_the_audit_log(office, recorded, api):
    call_id, link = recorded()
    address = f"/api/v1/infinity/calls/{call_id}/recording"
    assert api.get(address).status_code == 404
    fetch(office)
    whole = api.get(link).content
    answer = api.get(address)
    assert answer.content == whole
    assert answer.headers["content-type"] == "audio/wav"
    part = api.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert api.get(address, headers={"Range": "bytes=-10"}).content == whole[-10:]
    assert api.get(address, headers={"Range": "bytes=999999999-"}).status_code == 416
    assert office.rows("SELECT subject FROM audit_log WHERE act = 'recording.listen'") == [(f"call:{call_id}",)]
    for token in ("collector-of-1", "viewer-of-1"):
        assert api.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 403
    assert api.get(address, headers={"Authorization": "Bearer admin-of-2"}).status_code == 404


def test_reviewers_note_and_change_their_mind(office, api):
    call = office.call(1)
    address = f"/api/v1/infinity/calls/{call.call_id}/notes"
    assert api.post(address, json={"score": 3}).status_code == 201
    assert api.post(address, json={"score": 6}).status_code == 422
    other = api.post(address, json={"score": 1, "remark": "rude"}, headers={"Authorization": "Bearer operator-of-1"})
    notes = api.post(address, json={"score": 4, "remark": "better"}).json()["data"]
    assert other.status_code == 201
    assert [(note["score"], note["replaced_at"] is None) for note in notes] == [(4, True), (1, True), (3, False)]


def test_the_folder_of_recordings_is_a_setting(tmp_path, runtime):
    settings = runtime.settings.model_copy(update={"recordings_dir": tmp_path / "elsewhere"})
    other = Runtime(settings)
    with Keeping.of(other.settings).store.writing("1/0/1-1.rec") as file:
        file.write(b"x")
    assert Path(tmp_path / "elsewhere/1/0/1-1.rec").read_bytes() == b"x"
    other.close()
