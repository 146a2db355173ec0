"""One round of delivery: plan what is missing, mark what a killed process left, send what is due, say what is held."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.at_most_once import shutdown
from calling_pipeline.database.engine import direct_url, driver_dsn
from calling_pipeline.reports.mail import alerting, store
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.delivering import Mailer
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.planning import plan
from calling_pipeline.reports.mail.records import Delivered
from calling_pipeline.reports.mail.sending import Sender
from calling_pipeline.shadow import require_off

PAUSE = dt.timedelta(minutes=2)
"""How long nothing is attempted after the mail server could not be used."""


@tracing.traced("mails")
def deliver_round(deps: MailDependencies) -> Delivered:
    """Deliver everything that is due now. Several processes may do so at once: each delivery is one process's.

    Raises `DatabaseUnavailable` when the database stays away, `ShadowMode` in shadow mode.
    """
    require_off(deps.shadow)
    with deps.transaction() as connection:
        orphaned = store.mark_orphans_unknown(connection)
        planned, _ = plan(connection, domain=deps.domain)
    try:
        done = _deliver(deps)
    finally:
        with deps.transaction() as connection:
            alerting.judge(connection, configured=deps.server is not None)
    done.orphaned, done.planned = orphaned, planned
    with deps.transaction() as connection:
        if done.server:
            store.postpone(connection, days.now() + PAUSE, why=done.server)
        done.next_due_at = store.next_due(connection, by_mail=deps.server is not None)
    return done


def work_waiting(connection: sa.Connection, *, configured: bool, shadow: bool = False) -> str | None:
    """Why a round is needed now; None when there is nothing to do, and in shadow mode. Cheap: asked every half minute."""
    if shadow:
        return None
    due = store.next_due(connection, by_mail=configured)
    if due is not None and due <= days.now():
        return "a report is due to be mailed"
    if store.unplanned(connection):
        return "a report has subscribers that were not served"
    if store.orphaned_mailers(connection):
        return "a delivery of reports ended before it recorded its results"
    if not configured and alerting.is_silent(connection) and subscriptions.any_by_mail(connection):
        return "reports are subscribed and there is no mail server"
    return None


def _deliver(deps: MailDependencies) -> Delivered:
    sender = Sender(deps)
    by_mail = deps.server is not None
    mailer = Mailer(driver_dsn(direct_url(deps.engine)), sender, width=deps.width, by_mail=by_mail)
    try:
        return shutdown.run(mailer.run())
    finally:
        sender.close()
