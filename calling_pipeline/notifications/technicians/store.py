"""All SQL of the technician notifications that is not an outbox's own. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.notifications.outbox.store import Outbox, open_lanes
from calling_pipeline.notifications.records import Draft
from calling_pipeline.notifications.technicians.tables import technician_messages

OUTBOX = Outbox(technician_messages, "change_id")


def known_changes(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    """Those of the change ids that messages exist about."""
    return set(connection.execute(_KNOWN, {"ids": list(ids)}).scalars())


def add_messages(
    connection: sa.Connection,
    drafts: Sequence[tuple[str, Draft]],
    *,
    created_by: str,
    now: dt.datetime,
    state: str = "pending",
    reason: str | None = None,
) -> int:
    """Put (change id, message) pairs into the outbox, those that exist left out; returns how many went in."""
    if not drafts:
        return 0
    open_lanes(connection, (draft.receiver for _, draft in drafts))
    values = [
        {
            "change_id": change_id,
            "kind": draft.kind,
            "receiver": draft.receiver,
            "body": draft.body,
            "cut_bytes": draft.cut_bytes,
            "metadata": {"change_id": change_id, "created_by": created_by},
        }
        for change_id, draft in drafts
    ]
    return connection.execute(
        _ADD, {"drafts": json.dumps(values, ensure_ascii=False), "now": now, "state": state, "reason": reason}
    ).rowcount


def doubled(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Change id, kind and number where more than one message exists."""
    return [(row.change_id, row.kind, row.messages) for row in connection.execute(_DOUBLED)]


_KNOWN = sa.text("SELECT DISTINCT change_id FROM technician_messages WHERE change_id = ANY(:ids)")

_ADD = sa.text(
    """
    INSERT INTO technician_messages (change_id, kind, receiver, body, cut_bytes, metadata, state, attempts, failures,
        due_at, settled_at, last_error, history, created_at)
    SELECT change_id, kind, receiver, body, cut_bytes, metadata, :state, 0, 0, :now,
        CASE WHEN CAST(:state AS text) <> 'pending' THEN CAST(:now AS timestamptz) END, CAST(:reason AS text),
        CAST('[]' AS jsonb), :now
    FROM ROWS FROM (jsonb_to_recordset(CAST(:drafts AS jsonb)) AS (
        change_id text, kind text, receiver text, body text, cut_bytes integer, metadata jsonb)) WITH ORDINALITY AS draft
    ORDER BY draft.ordinality
    ON CONFLICT ON CONSTRAINT uq_technician_messages_change_id_kind DO NOTHING
    """
)

_DOUBLED = sa.text(
    """
    SELECT change_id, kind, count(*) AS messages FROM technician_messages
    GROUP BY change_id, kind HAVING count(*) > 1
    ORDER BY 1, 2
    """
)
