"""A process that delivers reports by mail and kills itself (SIGKILL) at one point.

Arguments: the database, the mail server, the moment, the point (or `never`), and at which passing of it it is killed.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.reports.mail import rounds
from calling_pipeline.reports.mail.records import Claimed, Edition
from calling_pipeline.reports.mail.sending import Sender
from calling_pipeline.vendors.smtp.records import SendResult, server_of
from calling_pipeline_tests.reports.mail_support import deps_of

POINTS = ("composing", "composed", "claimed", "answered")
WIDTH = 4


class KilledSender(Sender):
    """The real sender, with the points around composing and sending."""

    point = "never"
    left = 0

    def compose(self, edition: Edition) -> None:
        self._passing("composing")
        super().compose(edition)
        self._passing("composed")

    def send(self, claimed: Claimed) -> SendResult:
        self._passing("claimed")
        sent = super().send(claimed)
        self._passing("answered")
        return sent

    def _passing(self, point: str) -> None:
        if point == KilledSender.point:
            KilledSender.left -= 1
            if KilledSender.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(database: str, server: str, moment: str, point: str, times: str) -> None:
    """Deliver once what is due at that moment."""
    KilledSender.point, KilledSender.left = point, int(times)
    rounds.Sender = KilledSender  # type: ignore[attr-defined]
    engine = sa.create_engine(database)
    with days.frozen(dt.datetime.fromisoformat(moment)):
        rounds.deliver_round(deps_of(engine, server_of(server), width=WIDTH))
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
