"""While mails are held back none is handed over; afterwards each receiver gets one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.outgoing import holding
from calling_pipeline.reports.mail import rounds
from calling_pipeline_tests.reports.mail_support import a_report, deps_of, lying, round_at, states
from calling_pipeline_tests.reports.support import SUNDAY, at


def test_held_mails_wait_and_go_out_once_afterwards(engine: sa.Engine, tmp_path: Path) -> None:
    a_report(engine, ["ok.1@example.com"])
    with engine.begin() as connection:
        holding.hold(connection, "restored", "restored from a backup", by="ann")
    with lying(tmp_path) as liar:
        assert round_at(deps_of(engine, liar.server)).attempted == 0
        assert states(engine) == {"ok.1@example.com": "pending"}
        with engine.begin() as connection, days.frozen(at(SUNDAY + dt.timedelta(days=1), 9)):
            assert rounds.work_waiting(connection, configured=True) is None
            holding.lift(connection, "restored", by="ann", acts=["mails"])
            assert rounds.work_waiting(connection, configured=True) == "a report is due to be mailed"
        round_at(deps_of(engine, liar.server), 9)
        assert liar.receivers == ["ok.1@example.com"]
