"""All SQL of the contract notifications that is not an outbox's own. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from calling_pipeline.database.bulk import copy_rows
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.records import Contract, Parked, Sent
from calling_pipeline.notifications.contracts.tables import contract_messages
from calling_pipeline.notifications.outbox.store import Outbox, open_lanes
from calling_pipeline.notifications.records import Draft

OUTBOX = Outbox(contract_messages, "contract_id")


def note_ledger(connection: sa.Connection, csv_file: str, ledger: LedgerFile, now: dt.datetime) -> int:
    """Keep the file as read, and when each contract was first seen; returns how many are new."""
    connection.execute(
        _KEEP_LEDGER,
        {
            "csv_file": csv_file,
            "content": ledger.content,
            "digest": hashlib.sha256(ledger.content).digest(),
            "encoding": ledger.encoding,
            "rows": len(ledger.contracts),
            "parked": json.dumps([asdict(parked) for parked in ledger.parked], ensure_ascii=False),
            "now": now,
        },
    )
    ids = [contract.contract_id for contract in ledger.contracts]
    before = [contract.notified for contract in ledger.contracts]
    return connection.execute(_NOTE_ROWS, {"csv_file": csv_file, "ids": ids, "before": before, "now": now}).rowcount


def first_seen_between(connection: sa.Connection, csv_file: str, first: dt.datetime, end: dt.datetime) -> set[str]:
    """Contract ids first seen in a ledger between two instants (half-open)."""
    return set(connection.execute(_FIRST_SEEN, {"csv_file": csv_file, "first": first, "end": end}).scalars())


def notified_before(connection: sa.Connection, csv_file: str) -> set[str]:
    """Contract ids of a ledger that said `Y` when they were first seen: announced before our time."""
    return set(connection.execute(_NOTIFIED_BEFORE, {"csv_file": csv_file}).scalars())


def kept_ledger(connection: sa.Connection, csv_file: str) -> bytes | None:
    """A ledger's bytes as last read."""
    content: bytes | None = connection.execute(_KEPT_LEDGER, {"csv_file": csv_file}).scalar_one_or_none()
    return content


def parked(connection: sa.Connection) -> list[tuple[str, Parked]]:
    """Lines that could not be used when each ledger was last read."""
    rows = connection.execute(_PARKED)
    return [(row.csv_file, Parked(**line)) for row in rows for line in row.parked]


def has_task(connection: sa.Connection, contract_id: str) -> bool:
    """Whether a message about this contract is open or delivered."""
    return bool(connection.execute(HAS_TASK, {"contract_id": contract_id}).scalar_one())


def known_kinds(connection: sa.Connection, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Contract id and kind of the messages that exist about these contracts."""
    return {(row.contract_id, row.kind) for row in connection.execute(_KNOWN, {"ids": list(ids)})}


def sent(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Sent]:
    """What was delivered about these contracts; contracts without any message are left out."""
    rows = connection.execute(_SENT, {"ids": list(ids)})
    return {row.contract_id: Sent(frozenset(row.delivered), row.complete) for row in rows}


def add_messages(
    connection: sa.Connection,
    drafts: Iterable[tuple[Contract, Draft]],
    *,
    csv_file: str,
    created_by: str,
    now: dt.datetime,
    state: str = "pending",
    reason: str | None = None,
) -> int:
    """Put messages into the outbox in the order given; those about whose contract and kind one exists are left out.
    Returns how many went in."""
    ready = list(drafts)
    open_lanes(connection, (draft.receiver for _, draft in ready))
    connection.execute(_DRAFT_TABLE)
    copy_rows(
        connection,
        "contract_drafts",
        ("place", "kind", "receiver", "body", "cut_bytes", "metadata"),
        (
            (place, draft.kind, draft.receiver, draft.body, draft.cut_bytes, _metadata(contract, csv_file, created_by))
            for place, (contract, draft) in enumerate(ready)
        ),
    )
    return connection.execute(_ADD, {"now": now, "state": state, "reason": reason}).rowcount


def doubled_tasks(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Contract id, kind and number where more than one message that may still go out, or went out, exists."""
    return [(row.contract_id, row.kind, row.messages) for row in connection.execute(_DOUBLED)]


def ledgers(connection: sa.Connection) -> list[str]:
    """The ledger files that were ever read."""
    return list(connection.execute(_LEDGERS).scalars())


def _metadata(contract: Contract, csv_file: str, created_by: str) -> str:
    values = {"contract_id": contract.contract_id, "csv_file": csv_file, "created_by": created_by}
    return json.dumps(values, ensure_ascii=False)


_KEEP_LEDGER = sa.text(
    """
    INSERT INTO contract_ledgers AS kept (csv_file, content, digest, encoding, rows, parked, read_at)
    VALUES (:csv_file, :content, :digest, :encoding, :rows, CAST(:parked AS jsonb), :now)
    ON CONFLICT (csv_file) DO UPDATE
    SET content = excluded.content, digest = excluded.digest, encoding = excluded.encoding, rows = excluded.rows,
        parked = excluded.parked, read_at = excluded.read_at
    WHERE kept.digest <> excluded.digest
    """
)

_NOTE_ROWS = sa.text(
    """
    INSERT INTO contract_rows (csv_file, contract_id, first_seen_at, notified_before)
    SELECT :csv_file, contract_id, :now, notified
    FROM unnest(CAST(:ids AS text[]), CAST(:before AS boolean[])) AS seen (contract_id, notified)
    ON CONFLICT DO NOTHING
    """
)

_FIRST_SEEN = sa.text(
    """
    SELECT contract_id FROM contract_rows
    WHERE csv_file = :csv_file AND first_seen_at >= :first AND first_seen_at < :end
    """
)

_NOTIFIED_BEFORE = sa.text("SELECT contract_id FROM contract_rows WHERE csv_file = :csv_file AND notified_before")

_KEPT_LEDGER = sa.text("SELECT content FROM contract_ledgers WHERE csv_file = :csv_file")

_PARKED = sa.text("SELECT csv_file, parked FROM contract_ledgers ORDER BY csv_file")

_LEDGERS = sa.text("SELECT csv_file FROM contract_ledgers ORDER BY csv_file")

HAS_TASK = sa.text("SELECT EXISTS (SELECT FROM contract_messages WHERE contract_id = :contract_id)")

_KNOWN = sa.text("SELECT contract_id, kind FROM contract_messages WHERE contract_id = ANY(:ids)")

_SENT = sa.text(
    """
    SELECT contract_id, coalesce(array_agg(kind) FILTER (WHERE state = 'delivered'), '{}') AS delivered,
        bool_and(state = 'delivered') AS complete
    FROM contract_messages WHERE contract_id = ANY(:ids)
    GROUP BY contract_id
    """
)

_DRAFT_TABLE = sa.text(
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS contract_drafts (
        place integer, kind text, receiver text, body text, cut_bytes integer, metadata jsonb) ON COMMIT DROP
    """
)

_ADD = sa.text(
    """
    WITH fresh AS (
        DELETE FROM contract_drafts RETURNING *
    )
    INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures, due_at,
        settled_at, last_error, history, created_at)
    SELECT kind, receiver, body, cut_bytes, metadata, :state, 0, 0, :now,
        CASE WHEN CAST(:state AS text) = 'delivered' THEN CAST(:now AS timestamptz) END, CAST(:reason AS text),
        CASE WHEN CAST(:reason AS text) IS NULL THEN CAST('[]' AS jsonb)
             ELSE jsonb_build_array(jsonb_build_object('at', CAST(:now AS timestamptz), 'to', CAST(:state AS text),
                'why', CAST(:reason AS text))) END,
        :now
    FROM fresh
    ORDER BY place
    ON CONFLICT ON CONSTRAINT uq_contract_messages_contract_id_kind DO NOTHING
    """
)

_DOUBLED = sa.text(
    """
    SELECT contract_id, kind, count(*) AS messages FROM contract_messages
    WHERE state <> 'abandoned'
    GROUP BY contract_id, kind HAVING count(*) > 1
    ORDER BY 1, 2
    """
)
