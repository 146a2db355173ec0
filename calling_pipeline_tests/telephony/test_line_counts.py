"""Days of the lines are counted once they are over; a record that changes takes its day out of the counts."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.monitoring.snapshots import take_snapshot
from calling_pipeline.telephony.pool.line_counts import store
from calling_pipeline_tests.support import WAITING
from calling_pipeline_tests.telephony.past_calls import past_calls, tenants

READS = (
    lambda connection, first, last, tenant: store.uses(connection, first, last, "extension", tenant_id=tenant),
    lambda connection, first, last, tenant: store.uses(connection, first, last, "collector", tenant_id=tenant),
    lambda connection, first, last, tenant: store.hours(connection, first, last, tenant_id=tenant),
    lambda connection, first, last, tenant: store.delays(connection, first, last, tenant_id=tenant),
)


@pytest.fixture
def calls(runtime):
    """Calls of two tenants over a week."""
    with runtime.transaction() as connection:
        tenants(connection)
        return past_calls(connection)


def everything(connection):
    first, last = days.today() - dt.timedelta(days=8), days.today()
    return [read(connection, first, last, tenant) for read in READS for tenant in (None, 1, 2)]


def counted(connection):
    return connection.exec_driver_sql("SELECT day FROM counted_line_days ORDER BY day").scalars().all()


def test_counted_days_say_the_same_as_their_records_and_today_is_never_counted(runtime, calls):
    with runtime.transaction() as connection:
        before = everything(connection)
        assert all(before[place] for place in (0, 3, 6, 9))
        while store.catch_up(connection):
            pass
        assert everything(connection) == before
        assert counted(connection) == sorted({one.day for one in calls} - {days.today()})


def test_the_sweep_of_the_pool_counts_a_few_days_at_a_time(runtime, calls):
    with runtime.transaction() as connection:
        take_snapshot(connection)
        assert len(counted(connection)) == store.MOST_DAYS


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE communication_records SET state = 'connected', duration_s = 900 WHERE id = 1",
        "UPDATE communication_records SET callback_delay_s = 77 WHERE id = 1",
        "DELETE FROM communication_records WHERE id = 1",
    ],
)
def test_a_record_that_changes_late_is_in_the_numbers_at_once(runtime, calls, change):
    with runtime.transaction() as connection:
        while store.catch_up(connection):
            pass
        was = len(counted(connection))
        connection.exec_driver_sql(change)
        assert len(counted(connection)) == was - 1
        live = everything(connection)
        store.catch_up(connection)
        assert len(counted(connection)) == was
        assert everything(connection) == live


def test_a_change_during_a_count_is_not_lost(runtime, calls):
    """The count waits for the change, or the change for the count: either way the day is not left with old numbers."""
    day = calls[0].day
    counting = runtime.engine.connect()
    with counting.begin():
        store.count_day(counting, day, days.now())

        def change() -> None:
            with runtime.transaction() as connection:
                connection.exec_driver_sql("UPDATE communication_records SET duration_s = 999 WHERE id = 1")

        changing = threading.Thread(target=change)
        changing.start()
        with runtime.transaction() as connection:
            limit = time.monotonic() + 60
            while connection.exec_driver_sql(WAITING).scalar_one() == 0 and changing.is_alive() and time.monotonic() < limit:
                pass
            assert changing.is_alive()
    counting.close()
    changing.join(60)
    with runtime.transaction() as connection:
        assert day not in counted(connection)
