"""Reports by mail against a lying server: nobody gets a second mail, nobody is forgotten, what is unknown is held."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.reports import periods
from calling_pipeline.reports.mail import decisions, rounds, sending, store
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.planning import served_from
from calling_pipeline.reports.mail.records import Attempt, Edition, Selection
from calling_pipeline.reports.mail.store_session import MailerSession
from calling_pipeline.reports.mail.tables import report_deliveries
from calling_pipeline_tests.reports.mail_support import (
    Hurried,
    a_report,
    corrected,
    deps_of,
    lying,
    round_at,
    states,
)
from calling_pipeline_tests.reports.support import SUNDAY, at, morning_after
from calling_pipeline_tests.support import NIGHTLY, run_together

MANY = 5 if NIGHTLY else 1
"""Receivers of each fault."""
PERIOD = periods.containing("daily", SUNDAY)


def open_alerts(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        found = alert_store.conditions(connection, since=days.now(), only_open=True)
    return {one.name.partition(":")[0] for one in found}


def test_each_receiver_gets_one_mail_and_none_suffers_for_another(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MailSession", Hurried)
    faults = ("no", "body", "grey", "busy", "full", "early", "cut", "lost", "odd", "late")
    wanted = [f"{fault}.{n}@example.com" for fault in faults for n in range(MANY)]
    well = [f"ok.{n}@example.com" for n in range(5)]
    a_report(engine, [*wanted, *well])
    with lying(tmp_path) as liar:
        deps = deps_of(engine, liar.server, width=12)
        round_at(deps)
        found = states(engine)
        for fault, state in {
            "ok": "sent", "no": "refused", "body": "refused", "grey": "pending", "busy": "pending", "full": "pending",
            "cut": "unknown", "lost": "unknown", "odd": "unknown", "late": "unknown",
        }.items():  # fmt: skip
            assert {value for name, value in found.items() if name.startswith(f"{fault}.")} == {state}, fault
        for hour in (8, 11, 14):
            round_at(deps, hour)
        once = [*well, *(name for name in wanted if name.split(".")[0] in ("grey", "busy", "full", "early"))]
        may_have = [name for name in wanted if name.split(".")[0] in ("cut", "late", "odd")]
        assert liar.receivers == sorted([*once, *may_have])
        found = states(engine)
        assert all(found[name] == "sent" for name in once)
        assert all(found[name] == "unknown" for name in wanted if name.split(".")[0] in ("cut", "lost", "late", "odd"))
        with engine.connect() as connection:
            rows = connection.execute(sa.select(report_deliveries.c.receiver, report_deliveries.c.message_id))
            named = {row.receiver: row.message_id for row in rows}
        assert [mail for mail in liar.accepted if mail["message_id"] != named[mail["receiver"]]] == [], "at every attempt"
    assert open_alerts(engine) >= {"report_unknown", "report_dead"}


def test_a_server_that_answers_byte_by_byte_is_not_waited_for_and_its_mail_stays(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MailSession", Hurried)
    a_report(engine, ["drip.a@example.com", "ok.b@example.com"])
    with lying(tmp_path) as liar:
        done = round_at(deps_of(engine, liar.server, width=2))
        assert states(engine) == {"drip.a@example.com": "pending", "ok.b@example.com": "sent"}
        assert "too slow before the end of the mail" in done.server
        assert liar.receivers == ["ok.b@example.com"]


def test_a_server_that_is_away_is_asked_once_a_round_and_nothing_is_given_up(engine: sa.Engine, tmp_path: Path) -> None:
    a_report(engine, [f"ok.{n}@example.com" for n in range(20)])
    with lying(tmp_path) as liar:
        server = liar.server
    done = round_at(deps_of(engine, server, width=2))
    assert done.attempted <= 2
    assert "no connection" in done.server
    with engine.connect() as connection:
        failed = connection.execute(sa.select(sa.func.sum(report_deliveries.c.failures))).scalar_one()
    assert (failed, set(states(engine).values())) == (done.attempted, {"pending"}), "what was claimed ahead is given back"
    with engine.connect() as connection, days.frozen(at(SUNDAY + dt.timedelta(days=1), 5)):
        assert rounds.work_waiting(connection, configured=True) is None
    with lying(tmp_path, name="later") as liar:
        round_at(deps_of(engine, liar.server), 6)
        assert len(liar.receivers) == 20 == len(set(liar.receivers))


def test_two_processes_at_once_send_each_mail_once(engine: sa.Engine, tmp_path: Path) -> None:
    receivers = [f"ok.{n}@example.com" for n in range(60)]
    a_report(engine, receivers)
    with lying(tmp_path) as liar, days.frozen(morning_after(SUNDAY, 5)):
        deps = deps_of(engine, liar.server, width=3)
        run_together(*[partial(rounds.deliver_round, deps)] * 3)
        assert liar.receivers == sorted(receivers)


def test_a_correction_goes_to_those_who_want_it_and_says_so(engine: sa.Engine, tmp_path: Path) -> None:
    a_report(engine, ["ok.a@example.com"])
    with days.frozen(morning_after(SUNDAY, 1)), engine.begin() as connection:
        subscriptions.subscribe(
            connection, "daily", "ok.b@example.com", language="en", by="lin", formats=(), corrections=False
        )
    with lying(tmp_path) as liar:
        deps = deps_of(engine, liar.server)
        round_at(deps, 2.5)
        corrected(engine)
        round_at(deps, 5)
        round_at(deps, 6)
        assert liar.receivers == ["ok.a@example.com", "ok.a@example.com", "ok.b@example.com"]
        subjects = [row["subject"] for row in liar.accepted if row["receiver"] == "ok.a@example.com"]
        assert "更正" not in subjects[0]
        assert "更正 第2版" in subjects[1]
        assert len({row["message_id"] for row in liar.accepted}) == 3


def test_a_revision_that_nobody_had_yet_is_replaced_by_the_newer_one(engine: sa.Engine, tmp_path: Path) -> None:
    a_report(engine, ["ok.a@example.com"], corrections=False)
    with engine.begin() as connection, days.frozen(morning_after(SUNDAY, 2)):
        store.plan(connection, served_from(days.now(), ()), now=days.now(), domain="x.example")
    corrected(engine)
    with lying(tmp_path) as liar:
        round_at(deps_of(engine, liar.server), 5)
        assert liar.receivers == ["ok.a@example.com"]
        assert "更正" not in liar.accepted[0]["subject"]
    with engine.connect() as connection:
        rows = connection.execute(sa.select(report_deliveries.c.state).order_by(report_deliveries.c.revision)).scalars()
        assert list(rows) == ["abandoned", "sent"]


def test_what_is_unknown_is_settled_by_a_person_with_a_reason(engine: sa.Engine, tmp_path: Path) -> None:
    a_report(engine, ["cut.a@example.com", "lost.b@example.com"])
    with lying(tmp_path) as liar:
        deps = deps_of(engine, liar.server)
        round_at(deps)
        with days.frozen(morning_after(SUNDAY, 6)), engine.begin() as connection:
            with pytest.raises(InvalidInput, match="dry run"):
                decisions.settle(connection, Selection(), as_="done", by="lin", why="asked")
            seen = decisions.settle(connection, Selection(), as_="done", by="lin", why="", dry_run=True)
            assert seen.deliveries == 2
            with pytest.raises(Conflict):
                decisions.settle(connection, Selection(), as_="done", by="lin", why="asked", expect=3)
            arrived = Selection(receiver="cut.a")
            decisions.settle(connection, arrived, as_="done", by="lin", why="she has it", expect=1)
            with pytest.raises(Conflict, match="settle it first"):
                decisions.resend(connection, PERIOD, "lost.b@example.com", by="lin", why="again")
            decisions.settle(connection, Selection(receiver="lost.b"), as_="abandoned", by="lin", why="left", expect=1)
        assert states(engine) == {"cut.a@example.com": "sent", "lost.b@example.com": "abandoned"}
        assert "report_unknown" not in open_alerts(engine)
        round_at(deps, 7)
        assert liar.receivers == ["cut.a@example.com"]


def test_a_report_is_sent_again_by_name_once_for_a_reason(engine: sa.Engine, tmp_path: Path) -> None:
    a_report(engine, ["ok.a@example.com"])
    with lying(tmp_path) as liar:
        deps = deps_of(engine, liar.server)
        round_at(deps)
        for expected in (False, True):
            with days.frozen(morning_after(SUNDAY, 6)), engine.begin() as connection:
                _, already = decisions.resend(connection, PERIOD, "OK.a@example.com", by="lin", why="deleted by mistake")
            assert already is expected
            round_at(deps, 7)
        assert len(liar.accepted) == 2
        assert len({row["message_id"] for row in liar.accepted}) == 2


def test_working_days_wait_for_the_next_one() -> None:
    monday = SUNDAY + dt.timedelta(days=1)
    served = served_from(at(SUNDAY, 4), {monday})
    assert served["every", 8] == at(SUNDAY, 8)
    assert served["every", 0] == at(SUNDAY, 4)
    assert served["working", 8] == at(monday + dt.timedelta(days=1), 8)


def test_a_late_result_does_not_change_what_a_person_has_decided(engine: sa.Engine) -> None:
    a_report(engine, ["ok.1@example.com"])
    with engine.connect() as connection:
        report_id = connection.execute(sa.text("SELECT id FROM reports")).scalar_one()

    async def late() -> None:
        session = await MailerSession.open(driver_dsn(engine.url), 7, ())
        await session.uncomposed((), by_mail=True)
        [claimed] = await session.exchange([], 1, [Edition(report_id, "zh", (), False)], by_mail=True)
        with engine.begin() as connection:
            connection.execute(report_deliveries.update().values(state="unknown"))
            selection = Selection(receiver="ok.1@example.com")
            decisions.settle(connection, selection, as_="done", by="lin", why="it is in the inbox", expect=1)
        result = Attempt(claimed, "pending", "450 later", "", days.now(), failed=True)
        await session.exchange([result], 0, (), by_mail=True)
        await session.close()

    with days.frozen(morning_after(SUNDAY, 5)):
        rounds.deliver_round(deps_of(engine, None))  # plans the delivery, and has no server to send it to
        asyncio.run(late())
    assert states(engine) == {"ok.1@example.com": "sent"}
