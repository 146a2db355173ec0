"""What processes note is added up over all of them, survives a lost database, and never falls."""

import threading

import pytest
import sqlalchemy as sa

from calling_pipeline import days, measures
from calling_pipeline.measures import CLICK_SECONDS, CLICKS, Measure
from calling_pipeline.metrics import store
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import wait_until


@pytest.fixture
def kept(engine):
    """Name and labels → number, sum and buckets, as the table has them."""

    def read():
        with engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT name, labels, number, total, buckets FROM measures"))
            return {(row.name, *row.labels): (row.number, row.total, sum(row.buckets)) for row in rows}

    return read


@pytest.fixture
def noting(runtime):
    """A runtime that has used its database: what is noted from now on is written there."""
    with runtime.transaction():
        return runtime


def test_two_writers_add_up(noting, app_settings, kept):
    measures.count(CLICKS, "ringing", "")
    measures.observe(CLICK_SECONDS, 0.3)
    measures.write()
    other = Runtime(app_settings)
    with other.transaction():
        measures.count(CLICKS, "ringing", "", number=2)
        measures.observe(CLICK_SECONDS, 40.0)
    other.close()
    measures.count(CLICKS, "failed", "")
    noting.close()
    assert kept() == {
        ("calling_telephony_clicks", "ringing", ""): (3, 0, 0),
        ("calling_telephony_clicks", "failed", ""): (1, 0, 0),
        ("calling_telephony_click_seconds",): (2, 40.3, 2),
    }


def test_what_is_noted_is_written_by_itself_after_some_seconds(noting, kept, monkeypatch):
    monkeypatch.setattr(measures, "WRITE_EVERY_S", 0.05)
    writers = {thread for thread in threading.enumerate() if thread.name == "measures"}
    measures.count(CLICKS, "ringing", "")
    for thread in {thread for thread in threading.enumerate() if thread.name == "measures"} - writers:
        thread.join()
    assert kept() == {("calling_telephony_clicks", "ringing", ""): (1, 0, 0)}


def test_what_cannot_be_written_waits_for_the_next_time(noting, engine, kept):
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE measures RENAME TO away"))
    measures.count(CLICKS, "ringing", "")
    measures.observe(CLICK_SECONDS, 0.3)
    measures.write()
    measures.count(CLICKS, "ringing", "")
    measures.write()
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO measures"))
    measures.write()
    assert kept()["calling_telephony_clicks", "ringing", ""] == (2, 0, 0)
    assert kept()["calling_telephony_click_seconds",] == (1, 0.3, 1)


def test_labels_of_a_measure_are_bounded(noting, kept):
    many = Measure("calling_test", "of a test", ("name",))
    for number in range(2 * measures.MOST_LABELS):
        measures.count(many, f"{number}")
    measures.write()
    found = {key[1]: number for key, (number, _, _) in kept().items()}
    assert len(found) == measures.MOST_LABELS + 1
    assert found["other"] == measures.MOST_LABELS


def insert(connection, number):
    connection.execute(
        sa.text(
            "INSERT INTO call_log (call_task_id, batch_id, phone, distinct_id, attempt, outcome, recorded_at)"
            " SELECT n, 1, '13800000000', n::text, 1, 'pushed', now() FROM generate_series(cast(:first AS int), :last) AS n"
        ),
        {"first": number, "last": number + 9},
    )


def total(engine):
    """The counter as a scrape reads it."""
    with engine.connect() as connection:
        store.count_call_log(connection, days.now())
        connection.commit()
        return sum(row.number for row in store.counters(connection) if row.name == "calling_batch_calls")


def test_rows_of_the_call_log_that_are_committed_out_of_order_are_all_counted_and_the_counter_never_falls(engine):
    seen = [total(engine)]
    with engine.connect() as slow:
        insert(slow, 100)  # draws the smaller ids and commits last
        for number in (200, 300, 400):
            with engine.begin() as connection:
                insert(connection, number)
            seen.append(total(engine))
        slow.commit()
    seen += [total(engine), total(engine)]
    with engine.begin() as connection:
        insert(connection, 500)
    seen += [total(engine), total(engine)]
    assert seen == [0, 10, 20, 30, 40, 40, 50, 50]

    def counted():
        total(engine)
        with engine.connect() as connection:
            (mark,) = connection.execute(sa.text("SELECT counted_to, seen_to FROM measure_marks")).all()
        return mark.counted_to == mark.seen_to == 50

    wait_until(counted)  # an id is counted once every transaction of the server that was open when it was seen has ended


def test_a_long_pause_is_caught_up_in_pieces(engine, monkeypatch):
    monkeypatch.setattr(store, "MOST_COUNTED", 15)
    with engine.begin() as connection:
        for number in (100, 200, 300, 400):
            insert(connection, number)
    wait_until(lambda: total(engine) == 40)
