"""The SQL of the contract notifications that is not an outbox's own. Functions take a connection and never commit.

What the ledgers' rows say, and said before, is in `rows/store.py`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from calling_pipeline import days
from calling_pipeline.contact_policy.erased.entering import masked
from calling_pipeline.database.bulk import copy_rows
from calling_pipeline.database.sql import load
from calling_pipeline.notifications.contracts.records import Contract, Order, Sent, SentMessage
from calling_pipeline.notifications.contracts.tables import contract_messages
from calling_pipeline.notifications.outbox.records import Draft, MessageState
from calling_pipeline.notifications.outbox.store import Outbox, open_lanes

OUTBOX = Outbox(contract_messages, "contract_id", about="contracts", asset="contract_notifications", asset_has_days=True)

_SENT = load("notifications/contracts/sent")
_CREATE_DRAFTS = load("notifications/contracts/create_drafts")
_ADD_MESSAGES = load("notifications/contracts/add_messages")
_DOUBLED = load("notifications/contracts/doubled")
_WITHDRAW = load("notifications/contracts/withdraw")
_PUT_ASIDE = load("notifications/contracts/put_aside")
_LET_GO_ON = load("notifications/contracts/let_go_on")
_LEDGERS_WITH_OPEN_MESSAGES = load("notifications/contracts/ledgers_with_open_messages")
_CONTRADICTED = "contract ledger"
"""Who puts messages aside, as their history names it."""

_m = contract_messages.c
KNOWN_KINDS = sa.select(_m.contract_id, _m.kind).where(_m.contract_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text))))


def make_read_only(connection: sa.Connection) -> None:
    """Let the rest of this transaction write nothing."""
    connection.execute(sa.text("SET TRANSACTION READ ONLY"))


def known_kinds(connection: sa.Connection, ids: Sequence[str]) -> set[tuple[str, str]]:
    """Contract id and kind of the messages that exist about these contracts."""
    return {(row.contract_id, row.kind) for row in connection.execute(KNOWN_KINDS, {"ids": list(ids)})}


def sent(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Sent]:
    """What was delivered about these contracts; contracts without any message are left out."""
    rows = connection.execute(_SENT, {"ids": list(ids)})
    return {row.contract_id: Sent(frozenset(row.delivered), row.complete, row.closed) for row in rows}


def messages_of(connection: sa.Connection, contract_id: str) -> list[SentMessage]:
    """Every message about one contract, the oldest first. No other session changes them before the transaction ends."""
    wanted = (_m.id, _m.kind, _m.state, _m.edition, _m.metadata)
    rows = connection.execute(sa.select(*wanted).where(_m.contract_id == contract_id).order_by(_m.id).with_for_update())
    return [SentMessage(row.id, row.kind, row.state, row.edition, row.metadata) for row in rows]


def add_messages(
    connection: sa.Connection,
    drafts: Iterable[tuple[Contract, Draft]],
    *,
    csv_file: str,
    created_by: str,
    now: dt.datetime,
    state: MessageState = "pending",
    reason: str | None = None,
    order: Order | None = None,
) -> int:
    """Put messages into the outbox in the order given; returns how many were added.

    Where a message about the contract and of the kind exists, none is added, unless an `order` says of which edition these
    are.
    """
    ready = list(drafts)
    open_lanes(connection, (draft.receiver for _, draft in ready))
    connection.execute(_CREATE_DRAFTS)
    values = {"csv_file": csv_file, "created_by": created_by, **(order.metadata if order else {})}
    bodies = masked(connection, [draft.body for _, draft in ready])
    documents = masked(connection, [_metadata(contract, values) for contract, _ in ready])
    copy_rows(
        connection,
        "contract_drafts",
        ("place", "kind", "receiver", "body", "cut_bytes", "metadata", "edition", "resend_of"),
        (
            (
                place,
                draft.kind,
                draft.receiver,
                bodies[place],
                draft.cut_bytes,
                documents[place],
                *_edition(order, draft),
            )
            for place, (_, draft) in enumerate(ready)
        ),
    )
    return connection.execute(_ADD_MESSAGES, {"now": now, "state": state, "reason": reason}).rowcount


def withdraw(
    connection: sa.Connection, csv_file: str, ids: Sequence[str], *, reason: str, now: dt.datetime
) -> dict[str, list[int]]:
    """Abandon what waits about these contracts of a ledger; returns contract id → messages."""
    values = {"csv_file": csv_file, "ids": list(ids), "reason": reason, "now": now}
    done: dict[str, list[int]] = {}
    for row in connection.execute(_WITHDRAW, values):
        done.setdefault(row.contract_id, []).append(row.id)
    return done


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


def count_resends(connection: sa.Connection, since: dt.datetime) -> int:
    """Messages that a person ordered to be sent again, since an instant."""
    ordered = sa.select(sa.func.count()).where(_m.edition > 0, _m.created_at >= since)
    return connection.execute(ordered).scalar_one()


def doubled(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Contract id, kind and number where more than one message was sent or may still be sent."""
    return [(row.contract_id, row.kind, row.messages) for row in connection.execute(_DOUBLED)]


def _metadata(contract: Contract, values: Mapping[str, Any]) -> str:
    return json.dumps({"contract_id": contract.contract_id, **values}, ensure_ascii=False)


def _edition(order: Order | None, draft: Draft) -> tuple[int, int | None]:
    return order.editions.get(draft.kind, (0, None)) if order else (0, None)
