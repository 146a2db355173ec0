"""What happened lately: the timetable's newest syncs, the vendor's speed against its usual, a day beside its week before."""

import datetime as dt
from dataclasses import replace

import pytest

from calling_pipeline import days
from calling_pipeline.call_stats.recent import store
from calling_pipeline.call_stats.recent.quality import ENOUGH_READS, read_duration_is_usual, vendor_speed_is_usual
from calling_pipeline.call_stats.recent.records import Read, Speed
from calling_pipeline.call_stats.recent.syncs import newest_syncs
from calling_pipeline.call_stats.recent.views import scheduled_syncs
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.call_stats.timetable import ACCEPTED_DELAY, TIMETABLE, sync_window
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, proof_of

TODAY = dt.date(2026, 11, 24)
FIRST = dt.date(2026, 1, 1)
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=days.SHANGHAI)


def at(text, day=TODAY):
    return dt.datetime.combine(day, dt.time.fromisoformat(text), days.SHANGHAI)


def read(day, begun, *, track="task", took_s=1.0):
    return Read(track, day, begun, begun + dt.timedelta(seconds=took_s))


def window(back, *, without=()):
    every = days.day_range(TODAY - dt.timedelta(days=back), TODAY - dt.timedelta(days=1))
    return [day for day in every if day not in without]


def syncs(reads, now, first=FIRST, first_read_at=LONG_AGO):
    return {sync.schedule: sync for sync in newest_syncs(reads, now, first, first_read_at)}


def test_a_sync_is_done_when_every_day_of_its_window_was_read_since_it_was_due():
    reads = [read(day, at("07:00:01") + dt.timedelta(seconds=2 * n)) for n, day in enumerate(window(10))]
    t10 = syncs(reads, at("07:30"))["task_stats_t10"]
    assert (t10.state, t10.days_read, t10.days_due, t10.due_at) == ("done", 10, 10, at("07:00"))
    assert (t10.started_at, t10.duration_s) == (at("07:00:01"), 19.0)


def test_days_not_read_are_named_and_late_only_once_the_accepted_delay_is_over():
    gap = TODAY - dt.timedelta(days=4)
    reads = [read(day, at("07:00:01")) for day in window(10, without=[gap])]
    assert syncs(reads, at("07:10"))["task_stats_t10"].state == "under way"
    t10 = syncs(reads, at("07:20"))["task_stats_t10"]
    assert (t10.state, t10.days_not_read) == ("late", (gap,))


def test_reads_of_the_other_track_or_from_before_the_tick_do_not_count():
    reads = [read(day, at("06:59")) for day in window(10)]
    reads += [read(day, at("07:06"), track="grade") for day in window(10)]
    found = syncs(reads, at("07:30"))
    assert (found["task_stats_t10"].days_read, found["grade_stats_t10"].days_read) == (0, 10)


def test_a_later_sync_of_the_same_days_does_not_lengthen_an_earlier_one():
    reads = [read(day, at("07:00:01")) for day in window(10)] + [read(day, at("10:00:01")) for day in window(3)]
    assert syncs(reads, at("10:30"))["task_stats_t10"].duration_s == 1.0


def test_before_the_first_tick_of_the_day_last_nights_is_the_newest():
    before = TODAY - dt.timedelta(days=1)
    found = syncs([read(before, at("23:00:05", before))], at("00:30"))
    assert (found["task_stats_today"].due_at, found["task_stats_today"].state) == (at("23:00", before), "done")
    assert found["task_stats_t3"].due_at == at("21:00", before)


def test_days_before_the_first_one_are_not_due():
    found = syncs([], at("07:30"), first=TODAY - dt.timedelta(days=2))["task_stats_t10"]
    assert (found.days_due, found.state) == (2, "late")
    assert syncs([], at("07:30"), first=TODAY)["task_stats_t10"].state == "done"


def first_sync(at):
    today = days.day_of(at)
    wanted = days.day_range(today - dt.timedelta(days=10), today)
    return [read(day, at, track=track) for track in ("task", "grade") for day in wanted]


def scheduled(entry, tick):
    return [read(day, tick, track=entry.track) for day in days.day_range(*sync_window(entry.sync_type, days.day_of(tick)))]


@pytest.mark.parametrize("hour", range(24))
def test_a_new_installation_is_in_time_at_every_hour_of_its_first_two_days(hour):
    installed = at("00:07") + dt.timedelta(hours=hour)
    reads, now = first_sync(installed), installed
    for _ in range(24):
        assert {sync.schedule for sync in newest_syncs(reads, now, FIRST, installed) if sync.state == "late"} == set()
        now += dt.timedelta(hours=2)
        ticks = [(entry, entry.newest_tick(now)) for entry in TIMETABLE]
        reads += [one for entry, tick in ticks if tick > installed for one in scheduled(entry, tick)]


def test_a_new_installations_first_t10_that_is_missed_is_late_with_its_days():
    now = at("07:05") + ACCEPTED_DELAY
    found = syncs(
        first_sync(at("23:50", TODAY - dt.timedelta(days=1))), now, first_read_at=at("23:50") - dt.timedelta(days=1)
    )
    assert {name for name, sync in found.items() if sync.state == "late"} >= {"task_stats_t10", "grade_stats_t10"}
    assert found["task_stats_t10"].days_not_read == tuple(window(10))


def test_what_an_installation_read_since_a_tick_before_it_is_shown_with_its_time():
    before = TODAY - dt.timedelta(days=1)
    t10 = syncs(first_sync(at("00:10")), at("00:30"), first_read_at=at("00:10"))["task_stats_t10"]
    assert (t10.due_at, t10.state, t10.days_read, t10.days_due) == (at("07:00", before), "done", 9, 9)
    assert t10.started_at == at("00:10")


def test_an_installation_that_never_read_is_late():
    assert syncs([], at("07:30"), first_read_at=None)["task_stats_t10"].state == "late"


def test_the_first_read_of_an_installation_is_found_among_its_proofs(connection):
    for number, (day, begun) in enumerate([(TODAY, at("00:10")), (TODAY - dt.timedelta(days=9), at("00:11"))], 1):
        proof = replace(proof_of("task", day, fetch_number=number), started_at=begun, finished_at=begun)
        sync_store.add_proof(connection, proof)
    t10 = {sync.schedule: sync for sync in scheduled_syncs(connection, at("00:30"), FIRST)}["task_stats_t10"]
    assert (t10.state, t10.days_read) == ("done", 1)


def speed(*, pages=10, page_s=0.1, usual_page_s=0.1, compared=ENOUGH_READS):
    usual_read_s = None if usual_page_s is None else usual_page_s * pages
    return Speed("grade", YESTERDAY, "full", days.now(), pages, page_s, page_s * pages, compared, usual_page_s, usual_read_s)


@pytest.mark.parametrize(
    ("usual_page_s", "page_s", "passed"), [(0.5, 1.4, True), (0.5, 1.6, False), (0.01, 0.9, True), (0.01, 1.1, False)]
)
def test_a_page_three_times_slower_than_usual_and_over_a_second_fails(usual_page_s, page_s, passed):
    finding = vendor_speed_is_usual(speed(page_s=page_s, usual_page_s=usual_page_s))
    assert finding.passed is passed
    assert f"usually {usual_page_s:.2f} s" in finding.sentence


@pytest.mark.parametrize(("page_s", "passed"), [(0.5, True), (0.7, False)])
def test_a_read_three_times_longer_than_usual_and_over_a_minute_fails(page_s, passed):
    assert read_duration_is_usual(speed(pages=100, page_s=page_s, usual_page_s=0.01)).passed is passed


def test_too_few_reads_or_none_are_nothing_to_compare_with():
    assert vendor_speed_is_usual(None).passed
    assert read_duration_is_usual(None).passed
    assert vendor_speed_is_usual(speed(page_s=50.0, compared=ENOUGH_READS - 1)).passed
    assert read_duration_is_usual(speed(page_s=50.0, compared=0, usual_page_s=None)).passed


def test_the_usual_speed_is_the_median_of_earlier_reads_of_the_track_and_mode(connection):
    def add(number, elapsed_s, *, track="grade", mode="full", pages=10):
        proof = proof_of(track, YESTERDAY, fetch_number=number)
        sync_store.add_proof(connection, replace(proof, elapsed_s=elapsed_s, mode=mode, pages=pages))

    assert store.speed(connection, "grade") is None
    for number, elapsed_s in enumerate((1.0, 2.0, 9.0), 1):
        add(number, elapsed_s)
    add(4, 500.0, mode="incremental")
    add(5, 600.0, track="task")
    add(6, 4.0, pages=20)
    found = store.speed(connection, "grade", YESTERDAY)
    assert (found.read_s, found.page_s, found.compared) == (4.0, 0.2, 3)
    assert (found.usual_read_s, found.usual_page_s) == (2.0, 0.2)
    assert store.speed(connection, "task").compared == 0
    assert store.speed(connection, "grade", YESTERDAY - dt.timedelta(days=1)) is None


def test_a_day_stands_beside_the_same_weekday_and_hours_of_the_week_before(sync, engine):
    week_before = YESTERDAY - dt.timedelta(days=7)
    sync("grade", YESTERDAY, week_before)
    with engine.connect() as connection:
        whole, morning = store.compare(connection, YESTERDAY), store.compare(connection, YESTERDAY, hours=12)
        alone = store.compare(connection, week_before)
    assert (whole.against, whole.hours) == (week_before, 24)
    assert whole.calls > morning.calls > 0
    assert whole.calls_before > morning.calls_before > 0
    assert whole.orders >= morning.orders
    assert whole.calls > whole.connected > morning.connected > 0
    assert (whole.grade_9 + whole.grade_1, whole.grade_9_before + whole.grade_1_before) == (
        whole.orders,
        whole.orders_before,
    )
    assert (alone.calls, alone.calls_before, alone.orders_before) == (whole.calls_before, None, None)
