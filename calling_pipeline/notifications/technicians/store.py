"""The SQL of the technician notifications that is not an outbox's own. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from calling_pipeline.contact_policy.erased.entering import masked
from calling_pipeline.database.sql import load
from calling_pipeline.notifications.outbox.records import Draft, MessageState
from calling_pipeline.notifications.outbox.store import Outbox, open_lanes
from calling_pipeline.notifications.technicians.tables import technician_messages

OUTBOX = Outbox(technician_messages, "change_id", about="technicians", asset="technician_notifications")

_ADD_MESSAGES = load("notifications/technicians/add_messages")
_DOUBLED = load("notifications/technicians/doubled")
_m = technician_messages.c
_KNOWN_CHANGES = sa.select(_m.change_id).where(_m.change_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text)))).distinct()


def known_changes(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    """Those of the change ids that messages exist about."""
    return set(connection.execute(_KNOWN_CHANGES, {"ids": list(ids)}).scalars())


def add_messages(
    connection: sa.Connection,
    drafts: Sequence[tuple[str, Draft]],
    *,
    created_by: str,
    now: dt.datetime,
    state: MessageState = "pending",
    reason: str | None = None,
) -> int:
    """Put messages, each with its change id, into the outbox in the order given; returns how many were added.

    Where a message about the change and of the kind exists, none is added.
    """
    if not drafts:
        return 0
    open_lanes(connection, (draft.receiver for _, draft in drafts))
    bodies = masked(connection, [draft.body for _, draft in drafts])
    values = [
        {
            "change_id": change_id,
            "kind": draft.kind,
            "receiver": draft.receiver,
            "body": body,
            "cut_bytes": draft.cut_bytes,
            "metadata": {"change_id": change_id, "created_by": created_by},
        }
        for (change_id, draft), body in zip(drafts, bodies, strict=True)
    ]
    rows = json.dumps(values, ensure_ascii=False)
    return connection.execute(_ADD_MESSAGES, {"drafts": rows, "now": now, "state": state, "reason": reason}).rowcount


def doubled(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Change id, kind and number where more than one message exists."""
    return [(row.change_id, row.kind, row.messages) for row in connection.execute(_DOUBLED)]
