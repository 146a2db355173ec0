"""Lines of the bill: each is tied to one call of its own configuration, and a call that is settled stays as it is."""

import datetime as dt

import pytest

from calling_pipeline import days
from calling_pipeline.telephony.billing import store as bill_store
from calling_pipeline_tests.telephony.support import set_up

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=days.SHANGHAI)
NUMBER = b"a hash of a number"
CALL = """
    INSERT INTO communication_records (reference, tenant_id, config_id, collector_id, extension_id, extension_number, fence,
        destination_masked, destination_hash, started_at, deadline, state, settled_at, closed_at, call_uuid, duration_s)
    VALUES (%(reference)s, %(tenant)s, %(config)s, %(collector)s, %(extension)s, '1000', 1, '138****0000', %(number)s,
        %(at)s, %(at)s, %(state)s, CASE WHEN %(state)s <> 'unknown' THEN now() END, now(), %(uuid)s, 7)
    RETURNING id
"""


def call(office, name, *, collector=1, uuid=None, at=NOON, state="unknown"):
    """A call of the past; its id."""
    values = {"reference": name, "tenant": office.tenant_id, "config": office.config_id, "collector": collector, "at": at}
    ((number,),) = office.rows(CALL, **values, extension=office.extensions[0], number=NUMBER, uuid=uuid, state=state)
    return number


def line(uuid, *, seconds=0):
    """A line of the bill, so many seconds after noon."""
    return bill_store.BillLine(
        call_uuid=uuid,
        extension_number="1000",
        destination_masked="138****0000",
        destination_hash=NUMBER,
        started_at=NOON + dt.timedelta(seconds=seconds),
        duration_s=30,
        hangup="",
        state="connected",
        recording_file=None,
    )


@pytest.fixture
def billed(office):
    """`billed(line, …)`: the day is billed and settled; returns by line the call that it is tied to."""

    def settled(*lines):
        day = days.day_of(NOON)
        with office.runtime.transaction() as connection:
            bill_store.keep_day(connection, office.config_id, day, lines, reported=len(lines), now=days.now())
            bill_store.match(connection, office.config_id, day)
            bill_store.settle(connection, office.config_id, day, days.now())
        return dict(office.rows("SELECT call_uuid, record_id FROM infinity_bills"))

    return settled


@pytest.mark.parametrize("named", ["uuid", "reference"])
def test_a_line_is_tied_to_a_call_of_its_own_configuration_alone(office, runtime, billed, named):
    other = set_up(runtime, "http://127.0.0.1:9/api", tenant_id=2)
    name = {"uuid": "same"} if named == "uuid" else {}
    theirs = call(other, "same" if named == "reference" else "theirs", **name)
    assert billed(line("same")) == {"same": None}
    assert office.state(theirs) == "unknown"
    if named == "uuid":
        ours = call(office, "ours", **name)
        assert billed(line("same")) == {"same": ours}
        assert (office.state(ours), office.state(theirs)) == ("connected", "unknown")


def test_of_two_lines_that_fit_one_call_the_nearest_is_tied_and_of_two_calls_one(office, billed):
    only = call(office, "only")
    assert billed(line("late", seconds=50), line("near", seconds=5)) == {"near": only, "late": None}
    assert office.rows("SELECT call_uuid, duration_s FROM communication_records") == [("near", 30)]
    again = call(office, "again", at=NOON + dt.timedelta(seconds=55))
    call(office, "never", at=NOON + dt.timedelta(seconds=49 + 61))
    assert billed(line("late", seconds=50), line("near", seconds=5)) == {"near": only, "late": again}


@pytest.mark.parametrize(("seconds", "tied"), [(-61, False), (-60, True), (300, True), (301, False)])
def test_a_line_fits_a_call_from_a_minute_before_it_to_five_minutes_after(office, billed, seconds, tied):
    only = call(office, "only")
    assert billed(line("x", seconds=seconds)) == {"x": only if tied else None}


def test_a_bill_adds_to_a_settled_call_and_changes_nothing_of_it(office, billed):
    settled = call(office, "settled", uuid="x", state="busy")
    assert billed(line("x")) == {"x": settled}
    assert office.rows("SELECT state, duration_s, billed_at IS NOT NULL FROM communication_records") == [("busy", 7, True)]
