"""Making reports: when a period is complete, what is said when it is not, and when there is a new revision."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.tables import audit_log
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.errors import InvalidInput
from calling_pipeline.reports import documents, making, periods, store
from calling_pipeline.reports.control import control_of, disagreements
from calling_pipeline.reports.due import due
from calling_pipeline.reports.records import Report, rows_of
from calling_pipeline_tests.reports.support import (
    DEADLINE_H,
    SUNDAY,
    at,
    hold_day,
    make,
    morning_after,
    prune_caches,
    put_day,
    release_day,
)
from calling_pipeline_tests.support import run_together

MONDAY = SUNDAY + dt.timedelta(days=1)
AFTER_DEADLINE = at(MONDAY, 10, 30)
WEEK = periods.containing("weekly", SUNDAY)


def report_of(engine: sa.Engine, day: dt.date = SUNDAY, revision: int | None = None) -> Report:
    with engine.connect() as connection:
        return store.read(connection, periods.containing("daily", day), revision)[1]


def put(engine: sa.Engine, *wanted: dt.date, **options: Any) -> None:
    with engine.begin() as connection:
        for day in wanted or (SUNDAY,):
            put_day(connection, day, **options)


def due_labels(engine: sa.Engine, now: dt.datetime) -> list[str]:
    with engine.connect() as connection:
        return [one.label for one in due(connection, now, deadline_h=DEADLINE_H).periods]


def late_labels(engine: sa.Engine, now: dt.datetime) -> list[str]:
    with engine.connect() as connection:
        return [one.label for one in due(connection, now, deadline_h=DEADLINE_H).late]


def open_alerts(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return [one.name for one in alert_store.conditions(connection, since=days.now(), only_open=True)]


def test_a_complete_day_becomes_a_whole_report_that_agrees_with_itself(engine: sa.Engine) -> None:
    put(engine, SUNDAY - dt.timedelta(days=7), calls=50, connected=10)
    put(engine)
    made = make(engine, SUNDAY)
    report = report_of(engine)

    assert (made.outcome, report.state, report.revision) == ("made", "complete", 1)
    assert report.control["records"] == 100
    assert control_of(report) == report.control
    assert disagreements(report) == []
    figures = {one.name: (one.value, one.before) for one in report.section("summary").figures}
    assert figures["dialled"] == (100, 50)
    assert figures["connected_rate"] == (40.0, 20.0)
    assert figures["orders"] == (8, 8)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"tracks": ("grade",)}, "Never read by task: 2026-11-29."),
        ({"lacking": 2}, "Not complete by task: 2026-11-29."),
        ({"read_at": at(SUNDAY, 22)}, "The newest sync that was due by task is not done: 2026-11-29."),
    ],
)
def test_a_day_that_is_not_complete_waits_says_for_what_and_is_partial_after_the_deadline(
    engine: sa.Engine, missing: dict[str, object], said: str
) -> None:
    put(engine, **missing)
    waiting = make(engine, SUNDAY)
    assert (waiting.outcome, waiting.stored) == ("waits", None)
    assert documents.note_said(waiting.waits[0], "en") == said

    late = make(engine, SUNDAY, now=AFTER_DEADLINE)
    assert late.outcome == "made"
    assert report_of(engine).state == "partial"
    assert documents.note_said(report_of(engine).partial[0], "en").startswith(said.split(":", maxsplit=1)[0])
    assert open_alerts(engine) == ["report_partial:daily:2026-11-29"]


def test_a_held_day_is_said_in_each_section_it_touches_and_a_decision_makes_the_report_whole(engine: sa.Engine) -> None:
    put(engine, read_at=at(MONDAY, 10, 20))
    with engine.begin() as connection:
        hold_day(connection, SUNDAY)
    assert make(engine, SUNDAY, now=at(MONDAY, 9)).outcome == "waits"
    make(engine, SUNDAY, now=AFTER_DEADLINE)
    for name in ("summary", "tracks", "agents", "hours", "batches", "proof"):
        notes = {note.name: note for note in report_of(engine).section(name).notes}
        said = documents.note_said(notes["days_held_by"], "en")
        assert "held (calls dropped)" in said, name
        assert "2026-11-29" in said, name

    with engine.begin() as connection:
        release_day(connection, SUNDAY)
    assert due_labels(engine, AFTER_DEADLINE) == ["2026-11-29", "2026-W48"]
    made = make(engine, SUNDAY, now=AFTER_DEADLINE)
    assert made.stored is not None
    assert (made.stored.revision, made.stored.state) == (2, "complete")
    assert open_alerts(engine) == []


def test_a_correction_makes_a_second_revision_with_what_changed(engine: sa.Engine) -> None:
    put(engine)
    make(engine, SUNDAY)
    assert due_labels(engine, morning_after(SUNDAY)) == []
    put(engine, grade_9=7, read_at=at(MONDAY, 10, 8))
    assert due_labels(engine, AFTER_DEADLINE) == ["2026-11-29", "2026-W48"]

    made = make(engine, SUNDAY, now=AFTER_DEADLINE)
    assert made.stored is not None
    assert made.stored.revision == 2
    changes = {(one.section, one.name): (one.before, one.after) for one in made.stored.changes}
    assert changes["control", "grade_9"] == (5, 7)
    assert changes["summary", "orders"] == (8, 10)
    assert ("control", "records") not in changes
    assert report_of(engine, revision=1).control["grade_9"] == 5


@pytest.mark.parametrize("part", ["daily_agents", "daily_hours"])
def test_a_correction_that_moves_only_agents_or_hours_makes_a_revision(engine: sa.Engine, part: str) -> None:
    put(engine)
    make(engine, SUNDAY)
    assert due_labels(engine, morning_after(SUNDAY)) == []
    column = "talk_s" if part == "daily_agents" else "connected"
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {part} SET {column} = {column} + 1"))
    assert "2026-11-29" in due_labels(engine, morning_after(SUNDAY))

    made = make(engine, SUNDAY)
    assert made.stored is not None
    assert (made.outcome, made.stored.revision, made.stored.changes) == ("made", 2, ())
    assert due_labels(engine, morning_after(SUNDAY)) == []


def test_a_correction_that_no_report_shows_is_compared_once_and_makes_no_revision(engine: sa.Engine) -> None:
    put(engine)
    make(engine, SUNDAY)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE reports SET sources = jsonb_set(sources, '{counts}', '1')"))
    assert "2026-11-29" in due_labels(engine, morning_after(SUNDAY))
    assert make(engine, SUNDAY).outcome == "unchanged"
    assert due_labels(engine, morning_after(SUNDAY)) == []


def test_making_it_again_without_a_change_makes_no_revision_whenever_it_is(engine: sa.Engine) -> None:
    put(engine)
    make(engine, SUNDAY)
    put(engine, read_at=at(MONDAY, 10, 8))

    again = make(engine, SUNDAY, now=at(MONDAY, 11))
    assert again.outcome == "unchanged"
    assert again.stored is not None
    assert again.stored.revision == 1


def test_what_was_made_stays_and_is_not_made_anew_when_the_caches_let_its_days_go(engine: sa.Engine) -> None:
    put(engine)
    make(engine, SUNDAY)
    before = report_of(engine)
    with engine.begin() as connection:
        prune_caches(connection)

    assert make(engine, SUNDAY, now=at(MONDAY + dt.timedelta(days=60), 12)).outcome == "unchanged"
    assert report_of(engine) == before


def test_two_at_once_make_one_revision(engine: sa.Engine) -> None:
    put(engine)
    made: list[str] = []
    period = periods.containing("daily", SUNDAY)

    def run() -> None:
        with engine.begin() as connection:
            made.append(making.make(connection, period, by="test", deadline_h=DEADLINE_H, agent_names={}).outcome)

    with days.frozen(morning_after(SUNDAY)):
        run_together(*[run] * 4)
    assert sorted(made) == ["made", "unchanged", "unchanged", "unchanged"]
    with engine.connect() as connection:
        assert len(store.revisions(connection, periods.containing("daily", SUNDAY))) == 1


def test_a_day_without_calls_and_one_that_was_never_read_are_not_the_same(engine: sa.Engine) -> None:
    put(engine, calls=0, connected=0, grade_9=0, grade_1=0)
    assert make(engine, SUNDAY).outcome == "made"
    assert report_of(engine).state == "complete"

    saturday = SUNDAY - dt.timedelta(days=1)
    assert make(engine, saturday, now=AFTER_DEADLINE).outcome == "made"
    never = report_of(engine, saturday)
    assert never.state == "partial"
    assert (never.control["records"], never.control["grade_days"]) == (0, 0)
    assert rows_of(never.section("tracks").tables, "tracks")[0]["records"] is None


def test_a_week_waits_for_its_missing_day_and_adds_up_its_days(engine: sa.Engine) -> None:
    put(engine, *WEEK.days[:-1], read_at=at(MONDAY, 1, 6))
    assert make(engine, WEEK, now=at(MONDAY, 1, 30)).outcome == "waits"
    put(engine, read_at=at(MONDAY, 1, 6))
    assert make(engine, WEEK, now=at(MONDAY, 1, 30)).outcome == "made"
    with engine.connect() as connection:
        report = store.read(connection, WEEK)[1]
    assert (report.control["days"], report.control["records"]) == (7, 700)


def test_a_week_that_began_before_the_first_known_day_is_partial_and_nobody_is_alerted(engine: sa.Engine) -> None:
    put(engine, *WEEK.days[3:], read_at=at(MONDAY, 10, 10))
    assert make(engine, WEEK, now=AFTER_DEADLINE).outcome == "made"
    with engine.connect() as connection:
        assert store.read(connection, WEEK)[0].state == "partial"
    assert open_alerts(engine) == []
    put(engine, WEEK.days[0], read_at=at(MONDAY, 10, 10))  # an earlier day is known now, so two are missing between
    assert make(engine, WEEK, now=AFTER_DEADLINE).outcome == "made"
    assert open_alerts(engine) == ["report_partial:weekly:2026-W48"]


def test_a_person_does_not_wait_says_why_and_is_in_the_audit_log(engine: sa.Engine) -> None:
    with pytest.raises(InvalidInput, match="say why"):
        make(engine, SUNDAY, reason=" ")
    made = make(engine, SUNDAY, now=at(SUNDAY, 12), reason="the board asks", by="wang")
    assert made.stored is not None
    assert made.stored.partial[0].name == "not_over"
    with engine.connect() as connection:
        act = connection.execute(sa.select(audit_log)).mappings().one()
    assert (act["act"], act["subject"], act["person"]) == ("report.make", "report:daily/2026-11-29", "wang")


def test_a_period_that_has_not_begun_has_no_report(engine: sa.Engine) -> None:
    with pytest.raises(InvalidInput, match="has not begun"):
        make(engine, MONDAY, now=at(SUNDAY, 12), reason="curious")


def test_what_is_due_is_nothing_at_first_then_the_complete_day_then_what_is_past_its_deadline(engine: sa.Engine) -> None:
    assert due_labels(engine, morning_after(SUNDAY)) == []
    put(engine)
    assert due_labels(engine, morning_after(SUNDAY)) == ["2026-11-29"]
    assert due_labels(engine, AFTER_DEADLINE) == ["2026-11-29", "2026-W48"]
    assert late_labels(engine, at(MONDAY, 12)) == ["2026-11-29", "2026-W48"]


def test_a_new_installation_that_reads_ten_days_at_once_is_not_late_with_their_reports(engine: sa.Engine) -> None:
    noon = at(MONDAY, 12)
    with engine.begin() as connection:
        for back in range(12):
            put_day(connection, SUNDAY - dt.timedelta(days=back), read_at=noon)
    assert len(due_labels(engine, noon)) == 10 + 2
    assert late_labels(engine, noon + dt.timedelta(minutes=59)) == []
    assert len(late_labels(engine, noon + dt.timedelta(hours=1))) == 10 + 2


def test_what_was_missed_after_a_report_is_made_however_long_ago_it_was(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for back in range(20):
            put_day(connection, SUNDAY - dt.timedelta(days=back))
    first = SUNDAY - dt.timedelta(days=19)
    assert len([one for one in due_labels(engine, at(MONDAY, 12)) if "W" not in one]) == 10
    make(engine, first)
    wanted = due_labels(engine, at(MONDAY, 12))
    assert [one for one in wanted if "W" not in one] == [
        (SUNDAY - dt.timedelta(days=back)).isoformat() for back in range(19)
    ]
