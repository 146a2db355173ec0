"""The conditions of deliveries: unknown ones, ones that were given up or refused, subscriptions without a mail server."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.alerts import conditions
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.alerts.records import Condition
from calling_pipeline.reports.mail import store
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.records import DeliveryState, Selection

ROOM = "reports"
SUBJECT = "report_deliveries"
UNKNOWN, DEAD, NO_SERVER = (f"{kind}:{SUBJECT}" for kind in ("report_unknown", "report_dead", "report_no_server"))
_SHOWN = 10


def judge(connection: sa.Connection, *, configured: bool) -> None:
    """Say what is held and whether there is a mail server for the subscriptions; what is good again closes its alert."""
    unknown = "may have arrived and are held until a person settles them"
    dead = "certainly did not arrive: they were refused or given up"
    _held(connection, UNKNOWN, ("unknown",), "no report delivery is unknown", unknown)
    _held(connection, DEAD, ("dead", "refused"), "every report reaches its receivers", dead)
    if not configured and subscriptions.any_by_mail(connection):
        text = "reports are subscribed by mail and CALLING_SMTP_URL is not set; nothing is sent until it is"
        _observe(connection, NO_SERVER, "there is a mail server for the subscribed reports", text, "no server")
    else:
        conditions.resolve(connection, NO_SERVER, "there is a mail server, or nobody wants mail")


def close_what_is_settled(connection: sa.Connection) -> None:
    """Close the alerts about states that no delivery is in any more."""
    counts = store.open_counts(connection)
    if not counts.get("unknown"):
        conditions.resolve(connection, UNKNOWN, "no report delivery is unknown any more")
    if not counts.get("dead") and not counts.get("refused"):
        conditions.resolve(connection, DEAD, "no report delivery is refused or given up any more")


def is_silent(connection: sa.Connection) -> bool:
    """Whether nothing says yet that there is no mail server."""
    return alert_store.open_condition(connection, NO_SERVER) is None


def _held(connection: sa.Connection, name: str, states: tuple[DeliveryState, ...], title: str, meaning: str) -> None:
    selection = Selection(states=states)
    total = store.count(connection, selection)
    if not total:
        conditions.resolve(connection, name, f"{title} any more" if "no " in title else title)
        return
    found = store.listed(connection, selection, limit=_SHOWN)
    named = ", ".join(f"{one.id} ({one.period.label} to {one.shown})" for one in found)
    more = f" and {total - len(found)} more" if total > len(found) else ""
    text = (
        f"{total} report deliveries {meaning}: {named}{more}. See `calling-pipeline reports deliveries`; decide with"
        " `calling-pipeline reports settle`."
    )
    _observe(connection, name, title, text, f"{found[0].id}:{found[0].attempts}")


def _observe(connection: sa.Connection, name: str, title: str, text: str, signature: str) -> None:
    condition = Condition(name, True, "error", title, text, ROOM, conditions.moment(), subject=SUBJECT, signature=signature)
    conditions.observe(connection, condition)
