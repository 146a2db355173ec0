"""The SQL of the contract notifications that is not an outbox's own. Functions take a connection and never commit."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from calling_pipeline import days
from calling_pipeline.database.bulk import copy_rows
from calling_pipeline.database.sql import load
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.records import Contract, Parked, Sent
from calling_pipeline.notifications.contracts.tables import contract_ledgers, contract_messages, contract_rows
from calling_pipeline.notifications.outbox.records import Draft, MessageState
from calling_pipeline.notifications.outbox.store import Outbox, open_lanes

OUTBOX = Outbox(contract_messages, "contract_id", asset="contract_notifications", asset_has_days=True)

_KEEP_LEDGER = load("notifications/contracts/keep_ledger")
_NOTE_ROWS = load("notifications/contracts/note_rows")
_SENT = load("notifications/contracts/sent")
_CREATE_DRAFTS = load("notifications/contracts/create_drafts")
_ADD_MESSAGES = load("notifications/contracts/add_messages")
_DOUBLED = load("notifications/contracts/doubled")
_PUT_ASIDE = load("notifications/contracts/put_aside")
_LET_GO_ON = load("notifications/contracts/let_go_on")
_LEDGERS_WITH_OPEN_MESSAGES = load("notifications/contracts/ledgers_with_open_messages")
_CONTRADICTED = "contract ledger"
"""Who puts messages aside, as their history names it."""

_m, _r, _l = contract_messages.c, contract_rows.c, contract_ledgers.c
KNOWN_KINDS = sa.select(_m.contract_id, _m.kind).where(_m.contract_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text))))


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
    notified = [contract.notified for contract in ledger.contracts]
    return connection.execute(_NOTE_ROWS, {"csv_file": csv_file, "ids": ids, "notified": notified, "now": now}).rowcount


def first_seen_between(connection: sa.Connection, csv_file: str, first: dt.datetime, end: dt.datetime) -> set[str]:
    """Contract ids first seen in a ledger between two instants (half-open)."""
    seen = sa.select(_r.contract_id).where(_r.csv_file == csv_file, _r.first_seen_at >= first, _r.first_seen_at < end)
    return set(connection.execute(seen).scalars())


def notified_before(connection: sa.Connection, csv_file: str) -> set[str]:
    """Contract ids of a ledger that already said `Y` when it was first read."""
    notified = sa.select(_r.contract_id).where(_r.csv_file == csv_file, _r.notified_before)
    return set(connection.execute(notified).scalars())


def kept_ledger(connection: sa.Connection, csv_file: str) -> bytes | None:
    """A ledger's bytes as last read; None when it was never read."""
    return connection.execute(sa.select(_l.content).where(_l.csv_file == csv_file)).scalar_one_or_none()


def parked(connection: sa.Connection) -> list[tuple[str, Parked]]:
    """Lines that could not be used when each ledger was last read, with the ledger's file."""
    rows = connection.execute(sa.select(_l.csv_file, _l.parked).order_by(_l.csv_file))
    return [(row.csv_file, Parked(**line)) for row in rows for line in row.parked]


def ledgers(connection: sa.Connection) -> list[str]:
    """The ledger files that were ever read."""
    return list(connection.execute(sa.select(_l.csv_file).order_by(_l.csv_file)).scalars())


def known_kinds(connection: sa.Connection, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Contract id and kind of the messages that exist about these contracts."""
    return {(row.contract_id, row.kind) for row in connection.execute(KNOWN_KINDS, {"ids": list(ids)})}


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
    state: MessageState = "pending",
    reason: str | None = None,
) -> int:
    """Put messages into the outbox in the order given; returns how many were added.

    Where a message about the contract and of the kind exists, none is added.
    """
    ready = list(drafts)
    open_lanes(connection, (draft.receiver for _, draft in ready))
    connection.execute(_CREATE_DRAFTS)
    copy_rows(
        connection,
        "contract_drafts",
        ("place", "kind", "receiver", "body", "cut_bytes", "metadata"),
        (
            (place, draft.kind, draft.receiver, draft.body, draft.cut_bytes, _metadata(contract, csv_file, created_by))
            for place, (contract, draft) in enumerate(ready)
        ),
    )
    return connection.execute(_ADD_MESSAGES, {"now": now, "state": state, "reason": reason}).rowcount


def doubled(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Contract id, kind and number where more than one message was sent or may still be sent."""
    return [(row.contract_id, row.kind, row.messages) for row in connection.execute(_DOUBLED)]


def ledgers_with_open_messages(connection: sa.Connection) -> list[str]:
    """The ledger files that have messages waiting, or put aside because of what the file says."""
    return list(connection.execute(_LEDGERS_WITH_OPEN_MESSAGES, {"by": _CONTRADICTED}).scalars())


def put_aside(connection: sa.Connection, csv_file: str, reasons: Mapping[str, str]) -> int:
    """Make dead letters of the ledger's waiting messages about these contracts, each with its reason; returns how many."""
    if not reasons:
        return 0
    values = {"csv_file": csv_file, "ids": list(reasons), "reasons": list(reasons.values())}
    return connection.execute(_PUT_ASIDE, {**values, "now": days.now(), "by": _CONTRADICTED}).rowcount


def let_go_on(connection: sa.Connection, csv_file: str, doubtful: Sequence[str]) -> int:
    """Let messages wait again that `put_aside` put aside, unless their contract is `doubtful`; returns how many."""
    values = {"csv_file": csv_file, "doubtful": list(doubtful), "now": days.now(), "by": _CONTRADICTED}
    return connection.execute(_LET_GO_ON, values).rowcount


def _metadata(contract: Contract, csv_file: str, created_by: str) -> str:
    values = {"contract_id": contract.contract_id, "csv_file": csv_file, "created_by": created_by}
    return json.dumps(values, ensure_ascii=False)
