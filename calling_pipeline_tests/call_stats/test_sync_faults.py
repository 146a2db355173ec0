"""Every fault of the vendor over real HTTP: the day is right, or the sync fails and the old numbers stand."""

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync import attempts
from calling_pipeline.call_stats.sync import sync as sync_module
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.database import locks
from calling_pipeline.errors import (
    CallingError,
    ContractBreach,
    DaysFailed,
    IncompleteFetch,
    VendorAuthRefused,
    VendorRefused,
    VendorUnavailable,
    may_succeed_later,
)
from calling_pipeline.runtime import Runtime
from calling_pipeline.vendors.guanke.client import GuankeClient
from calling_pipeline.vendors.guanke.token import Credentials
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, truth
from calling_pipeline_tests.support import LIMIT_S

CALLS = "/task/cdr/all2"


def counted(cached):
    return (cached.grade_9, cached.grade_1, cached.total_records)


def expected(guanke):
    true = truth(guanke)
    return (true["grade_9"], true["grade_1"], true["total_records"])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("status", {"status": 429, "retry_after": 0}),
        ("status", {"status": 502}),
        ("slow", {"seconds": 0.5}),
        ("cut", {}),
        ("garbage", {}),
        ("reset", {}),
        ("revoked_token", {}),
        ("revoked_token", {"http": True}),
        ("code", {"code": 500}),
        ("drift", {"rows": 5}),
        ("duplicate_ids", {"rows": 4}),
    ],
)
def test_a_fault_that_ends_leaves_right_numbers(sync, guanke, kind, options):
    guanke.plant(kind, path=CALLS, times=1 if kind == "revoked_token" else 2, **options)
    (result,) = sync("grade")
    assert counted(result.stats) == expected(guanke)
    assert result.stats.complete
    assert result.proof.retries + result.proof.pages_read_again > 0 or kind in {"slow", "revoked_token"}


def test_a_page_that_hangs_is_given_up_and_asked_again(stats_runtime, guanke):
    guanke.plant("hang", path="page=2&", seconds=300)
    client = GuankeClient(f"{guanke.url}/guanke", Credentials(secret="s"), timeout_s=2)
    (result,) = sync_days(stats_runtime.engine, client, "grade", [YESTERDAY], sync_type="manual", phone_key=b"k")
    assert counted(result.stats) == expected(guanke)
    assert result.proof.retries >= 1


@pytest.mark.parametrize(
    ("kind", "options", "error", "message"),
    [
        ("growing_total", {"by": 1}, IncompleteFetch, r"different ones could be read \(\d+ missing"),
        ("duplicate_ids", {"rows": 3}, IncompleteFetch, r"\d+ missing"),
        (
            "wrong_value",
            {"field": "callTime", "value": "soon", "rows": 1},
            ContractBreach,
            r"all2 .*page 1, row 1, .*callTime",
        ),
        ("missing_field", {"field": "grade"}, ContractBreach, r"grade out of all \d+ records"),
        ("code", {"code": 400, "message": "参数错误"}, VendorRefused, r"code 400 \(参数错误\)"),
        ("revoked_token", {}, VendorAuthRefused, r"token"),
        ("garbage", {}, VendorUnavailable, r"no JSON"),
    ],
)
def test_a_lasting_fault_fails_in_one_sentence_and_old_numbers_stand(sync, guanke, engine, kind, options, error, message):
    (before,) = sync("grade")
    guanke.plant(kind, path=CALLS, times=None, **options)
    with pytest.raises(error, match=message):
        sync("grade")
    with engine.connect() as connection:
        assert store.read_grade_day(connection, YESTERDAY) == before.stats
        stored = connection.execute(sa.text("SELECT count(*) FROM call_records")).scalar_one()
        assert stored == before.stats.total_records
        failed = connection.execute(sa.text("SELECT count(*) FROM task_ledger WHERE state = 'failed'")).scalar_one()
        assert failed == 1


def test_wrong_credentials_are_named_and_nothing_is_stored(sync, guanke, connection):
    act(guanke, "credentials", secret="another")
    with pytest.raises(VendorAuthRefused, match="CALLING_GUANKE_USERNAME"):
        sync("grade")
    assert store.read_grade_day(connection, YESTERDAY) is None


def test_an_unreachable_vendor_is_named_with_its_address(engine):
    client = GuankeClient("http://127.0.0.1:9", Credentials(secret="s"))
    with pytest.raises(CallingError, match=r"cannot be reached at http://127\.0\.0\.1:9"):
        sync_days(engine, client, "grade", [YESTERDAY], sync_type="manual", phone_key=b"k")


def test_a_bad_day_of_several_does_not_keep_the_others_from_being_synced(sync, guanke, connection):
    wanted = [YESTERDAY - dt.timedelta(days=n) for n in (2, 1, 0)]
    guanke.plant("growing_total", path=f"startTime={wanted[1]}", times=None)
    with pytest.raises(DaysFailed, match="1 of 3 days failed, the others are stored") as caught:
        sync("grade", *wanted)
    assert list(caught.value.failures) == [wanted[1]]
    assert [store.read_grade_day(connection, day) is not None for day in wanted] == [True, False, True]


def test_no_full_phone_number_is_stored_and_equal_numbers_have_equal_hashes(sync, connection):
    sync("grade")
    row = connection.execute(
        sa.text(r"""
            SELECT count(*) FILTER (WHERE phone_masked ~ '\d{5,}') AS unmasked, count(phone_hash) AS hashed,
                count(*) AS all, count(DISTINCT phone_hash) AS phones
            FROM call_records
        """)
    ).one()
    assert row.unmasked == 0
    assert 0.9 * row.all < row.hashed < row.all
    assert row.phones < row.hashed


RANGE = [YESTERDAY - dt.timedelta(days=n) for n in range(6)]


def days_asked(guanke, monkeypatch):
    """The days of the call records that are asked for from now on, in their order."""
    asked = []
    original = GuankeClient.calls

    def calls(self, start, end):
        asked.append(start.date())
        return original(self, start, end)

    monkeypatch.setattr(GuankeClient, "calls", calls)
    return asked


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("code", {"code": 500}),
        ("code", {"code": 400}),
        ("status", {"status": 503}),
        ("status", {"status": 429, "retry_after": 0}),
    ],
)
def test_whatever_a_day_fails_of_the_others_are_synced_newest_first(sync, guanke, connection, monkeypatch, kind, options):
    asked, bad = days_asked(guanke, monkeypatch), RANGE[3]
    guanke.plant(kind, path=f"startTime={bad}", times=None, **options)
    with pytest.raises(DaysFailed, match=f"1 of 6 days failed, the others are stored. {bad}: ") as caught:
        sync("grade", *reversed(RANGE))
    assert asked == RANGE
    assert list(caught.value.failures) == [bad]
    assert may_succeed_later(caught.value) == (options != {"code": 400})
    assert [store.read_grade_day(connection, day) is not None for day in RANGE] == [day != bad for day in RANGE]


def test_a_vendor_that_is_down_is_not_asked_for_day_after_day(sync, guanke, monkeypatch):
    asked = days_asked(guanke, monkeypatch)
    guanke.plant("status", path=CALLS, times=None, status=503)
    with pytest.raises(DaysFailed, match="6 of 6 days failed") as caught:
        sync("grade", *RANGE)
    assert asked == RANGE[:3]
    assert sorted(caught.value.failures) == sorted(RANGE)
    assert f"not tried after that: {', '.join(map(str, reversed(RANGE[3:])))}" in str(caught.value)
    assert may_succeed_later(caught.value)


def test_refused_credentials_end_a_range_at_once(sync, guanke, monkeypatch):
    asked = days_asked(guanke, monkeypatch)
    act(guanke, "credentials", secret="another")
    with pytest.raises(DaysFailed, match="CALLING_GUANKE_USERNAME") as caught:
        sync("grade", *RANGE)
    assert asked == RANGE[:1]
    assert not may_succeed_later(caught.value)


def test_a_day_is_read_while_the_one_before_it_is_stored_and_all_come_in_their_order(sync, guanke, monkeypatch):
    under_way, most, shown = [], [], []
    original = attempts.sync_day

    async def watched(job, track, day):
        under_way.append(day)
        most.append(len(under_way))
        try:
            return await original(job, track, day)
        finally:
            under_way.remove(day)

    monkeypatch.setattr(sync_module, "sync_day", watched)
    results = sync("grade", *RANGE, on_day=lambda result: shown.append(result.date))
    assert shown == RANGE
    assert [result.date for result in results] == sorted(RANGE)
    assert (most[0], max(most)) == (1, sync_module.DAYS_AT_ONCE)


def test_days_under_way_together_share_the_pages_in_flight(stats_runtime, monkeypatch):
    runtime = Runtime(stats_runtime.settings.model_copy(update={"guanke_concurrency": 1}))
    under_way, most = [], []
    original = GuankeClient._request

    async def watched(self, *asked):
        under_way.append(asked)
        most.append(len(under_way))
        try:
            return await original(self, *asked)
        finally:
            under_way.remove(asked)

    monkeypatch.setattr(GuankeClient, "_request", watched)
    client, key = guanke_client(runtime), runtime.phone_key
    assert len(sync_days(runtime.engine, client, "grade", RANGE[:3], sync_type="manual", phone_key=key)) == 3
    assert max(most) == 1
    runtime.close()


def test_what_is_waited_for_in_the_loop_does_not_keep_a_store_from_ending(sync, engine):
    """A reader of the results waits for the lock that the store of the next day holds; it must be had without the loop."""

    def wait_for_the_ids(result):
        with engine.begin() as other:
            locks.wait_at_most(other, LIMIT_S)
            locks.hold(other, "call_stats", "record ids")

    results = sync("grade", *RANGE[:4], on_day=wait_for_the_ids)
    assert [result.outcome for result in results] == ["stored"] * 4


def test_repeats_of_one_day_are_not_counted_for_the_day_read_beside_it(sync, guanke):
    guanke.plant("status", path=f"startTime={RANGE[2]}", times=3, status=503)
    results = {result.date: result for result in sync("grade", *RANGE[:4])}
    assert {day: result.proof.retries for day, result in results.items()} == {**dict.fromkeys(RANGE[:4], 0), RANGE[2]: 3}
