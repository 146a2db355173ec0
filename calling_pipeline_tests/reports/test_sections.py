"""What sections about messages, lines and batches say of days that are not settled."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.reports import documents, periods
from calling_pipeline.reports.building import build
from calling_pipeline.reports.facts import digest_of
from calling_pipeline.reports.records import Report
from calling_pipeline_tests.reports.support import SUNDAY, at, morning_after, put_day
from calling_pipeline_tests.telephony.past_calls import past_calls, tenants

MESSAGE = """
    INSERT INTO contract_messages (
        kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at, history, created_at
    ) VALUES (
        'send_wecom_message', 'robot:1', 'a text', 0, jsonb_build_object('contract_id', cast(:at AS text) || :state), :state,
        1, 0, :at, '[]', :at
    )
"""


def built(engine: sa.Engine, now: dt.datetime | None = None) -> Report:
    with days.frozen(now or morning_after(SUNDAY)), engine.connect() as connection:
        return build(connection, periods.containing("daily", SUNDAY))


def said(report: Report, section: str) -> list[str]:
    return [documents.note_said(note, "en") for note in report.section(section).notes]


def test_messages_that_are_held_or_wait_are_said_with_their_days(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        put_day(connection, SUNDAY)
        for state, hour in (("unknown", 0), ("unknown", 23), ("pending", 12), ("delivered", 12)):
            connection.execute(sa.text(MESSAGE), {"state": state, "at": at(SUNDAY, hour)})
        connection.execute(sa.text(MESSAGE), {"state": "unknown", "at": morning_after(SUNDAY, 0)})
    assert said(built(engine), "notifications") == [
        "2 messages are held, nobody knows whether they arrived: 2026-11-29.",
        "1 messages are still to be sent: 2026-11-29.",
    ]


def test_calls_without_a_result_or_bill_are_said_and_make_no_revision_when_they_are_settled(engine: sa.Engine) -> None:
    with days.frozen(morning_after(SUNDAY)), engine.begin() as connection:
        put_day(connection, SUNDAY)
        tenants(connection)
        calls = [one for one in past_calls(connection, back=1, each=5) if one.day == SUNDAY]
    unknown = sum(1 for one in calls if one.row["state"] == "unknown")
    report = built(engine)
    expected = ["The calls of 1 days were not compared with the bill yet: 2026-11-29."]
    if unknown:
        expected.insert(0, f"The result of {unknown} calls is not known yet: 2026-11-29.")
    assert said(report, "telephony") == expected

    with engine.begin() as connection:
        bill = "INSERT INTO infinity_bill_days SELECT id, :day, 1, 1, :at FROM infinity_configs"
        connection.execute(sa.text(bill), {"day": SUNDAY, "at": morning_after(SUNDAY)})
    settled = built(engine)
    assert said(settled, "telephony") == expected[:-1]
    assert digest_of(settled) == digest_of(report)


def test_a_period_that_goes_on_says_so_in_each_section_that_counts_as_it_happens(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        put_day(connection, SUNDAY, read_at=at(SUNDAY, 11))
    report = built(engine, at(SUNDAY, 12))
    for section in ("batches", "notifications", "telephony"):
        assert "The period is not over before the end of 2026-11-29." in said(report, section), section
