"""Who gets a report: those whose subscription holds on the day it is made, each once, whatever became of the one before."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.reports.mail import planning
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.tables import report_deliveries
from calling_pipeline_tests.reports.mail_support import a_report, corrected
from calling_pipeline_tests.reports.support import SUNDAY, make, morning_after, put_day


def planned(engine: sa.Engine, hour: int = 5) -> list[tuple[str, int, bool]]:
    """(receiver, revision, whether as a correction) of every delivery, after planning once more."""
    c = report_deliveries.c
    with days.frozen(morning_after(SUNDAY, hour)), engine.begin() as connection:
        planning.plan(connection, domain="x.example")
        rows = connection.execute(sa.select(c.receiver, c.revision, c.correction).order_by(c.receiver, c.revision))
        return [(row.receiver, row.revision, row.correction) for row in rows]


def subscribe(engine: sa.Engine, name: str, *, at: dt.datetime, **options) -> int:
    with days.frozen(at), engine.begin() as connection:
        given = {"language": "zh", "by": "lin", "formats": (), **options}
        return subscriptions.subscribe(connection, "daily", f"{name}@example.com", **given).id


def test_a_report_goes_to_those_whose_subscription_holds_on_the_day_on_which_it_is_made(engine):
    monday = SUNDAY + dt.timedelta(days=1)
    before = morning_after(SUNDAY, 1) - dt.timedelta(days=1)
    subscribe(engine, "stays", at=before, until=monday)
    subscribe(engine, "over", at=before, until=SUNDAY)
    subscribe(engine, "begins", at=before, first=monday)
    subscribe(engine, "comes", at=before, first=monday + dt.timedelta(days=1))
    ended = subscribe(engine, "ended", at=before)
    with days.frozen(morning_after(SUNDAY, 1)), engine.begin() as connection:
        subscriptions.unsubscribe(connection, ended, by="lin")
        put_day(connection, SUNDAY)
    assert make(engine, SUNDAY).outcome == "made"
    subscribe(engine, "late", at=morning_after(SUNDAY, 3))
    assert [planned(engine) for _ in range(2)] == [
        [("begins@example.com", 1, False), ("stays@example.com", 1, False)],
        [("begins@example.com", 1, False), ("stays@example.com", 1, False)],
    ]


def test_who_may_have_had_a_revision_gets_the_next_as_a_correction_or_not_at_all(engine):
    a_report(engine, ["plain@example.com"], corrections=False)
    subscribe(engine, "wants", at=morning_after(SUNDAY, 1))
    assert [receiver for receiver, *_ in planned(engine)] == ["plain@example.com", "wants@example.com"]
    with engine.begin() as connection:
        connection.execute(report_deliveries.update().values(state="unknown", settled_at=None))
    corrected(engine)
    assert planned(engine, 6) == [
        ("plain@example.com", 1, False),
        ("wants@example.com", 1, False),
        ("wants@example.com", 2, True),
    ]


def test_of_two_revisions_that_were_made_before_any_mail_went_the_newest_alone_is_sent(engine):
    a_report(engine, ["one@example.com"])
    corrected(engine)
    assert planned(engine) == [("one@example.com", 2, False)]


def test_who_subscribes_gets_the_last_period_and_none_before_it_though_it_is_made_later(engine):
    monday = SUNDAY + dt.timedelta(days=1)
    subscribe(engine, "new", at=morning_after(SUNDAY, 1))
    subscribe(engine, "begins", at=morning_after(SUNDAY, 1), first=monday + dt.timedelta(days=1))
    with days.frozen(morning_after(SUNDAY, 2)), engine.begin() as connection:
        for back in range(3):
            put_day(connection, SUNDAY - dt.timedelta(days=back))
    for back in range(3):
        assert make(engine, SUNDAY - dt.timedelta(days=back), now=morning_after(SUNDAY, 3)).outcome == "made"
    assert planned(engine) == [("new@example.com", 1, False)]
    with engine.connect() as connection:
        assert connection.execute(sa.select(report_deliveries.c.first)).scalars().all() == [SUNDAY]
