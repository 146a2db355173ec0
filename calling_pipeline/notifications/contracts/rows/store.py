"""The SQL of ledgers as they were read: the files, when each contract was first seen, what its row says. Never commits."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from calling_pipeline.database.sql import load
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.records import Parked, Question, RowState
from calling_pipeline.notifications.contracts.tables import contract_ledgers, contract_rows

_KEEP_LEDGER = load("notifications/contracts/rows/keep_ledger")
_NOTE_ROWS = load("notifications/contracts/rows/note_rows")
_CANDIDATES = load("notifications/contracts/rows/candidates")
_QUESTIONS = load("notifications/contracts/rows/questions")
_UNUSABLE = "(csv_file, contract_id) IN (SELECT csv_file, contract_id FROM unusable)"
_WANTED: dict[RowState | None, str] = {
    None: "TRUE",
    "parked": _UNUSABLE,
    "asked": f"set_back_at IS NOT NULL AND NOT {_UNUSABLE}",
    "yes": f"said_yes_at IS NOT NULL AND set_back_at IS NULL AND NOT {_UNUSABLE}",
    "waiting": f"said_yes_at IS NULL AND set_back_at IS NULL AND NOT {_UNUSABLE}",
}
_CONTRACTS = {state: load("notifications/contracts/rows/contracts", wanted=wanted) for state, wanted in _WANTED.items()}
_ROW_STATES = load("notifications/contracts/rows/row_states")
_MOVE_LEDGER = load("notifications/contracts/rows/move_ledger")
_PARKED_LINES = load("notifications/contracts/rows/parked_lines")

_r, _l = contract_rows.c, contract_ledgers.c


def note_rows(connection: sa.Connection, csv_file: str, ledger: LedgerFile, now: dt.datetime) -> int:
    """Note when each contract was first seen and what its row says; returns how many are new."""
    values = {
        "csv_file": csv_file,
        "ids": [contract.contract_id for contract in ledger.contracts],
        "lines": [contract.line for contract in ledger.contracts],
        "said_yes": [contract.said_yes for contract in ledger.contracts],
        "now": now,
    }
    return int(connection.execute(_NOTE_ROWS, values).scalar_one())


def keep_ledger(
    connection: sa.Connection, csv_file: str, ledger: LedgerFile, parked: Iterable[Parked], now: dt.datetime
) -> None:
    """Keep the file as read, and the lines of it that could not be used."""
    connection.execute(
        _KEEP_LEDGER,
        {
            "csv_file": csv_file,
            "content": ledger.content,
            "digest": hashlib.sha256(ledger.content).digest(),
            "encoding": ledger.encoding,
            "rows": len(ledger.contracts),
            "parked": json.dumps([asdict(one) for one in parked], ensure_ascii=False),
            "now": now,
        },
    )


def candidates(connection: sa.Connection, csv_file: str, first: dt.datetime, end: dt.datetime) -> set[str]:
    """Contracts first seen between two instants (half-open), and those seen before that still wait for a first message."""
    return set(connection.execute(_CANDIDATES, {"csv_file": csv_file, "since": first, "until": end}).scalars())


def mark_parked(connection: sa.Connection, csv_file: str, judged: Sequence[str], parked: Sequence[str]) -> None:
    """Of the contracts `judged` now, those in `parked` wait until a message can be made of them."""
    waits = _among(parked)
    changed = contract_rows.update().where(_r.csv_file == csv_file, _among(judged), _r.parked != waits).values(parked=waits)
    connection.execute(changed)


def said_yes_before(connection: sa.Connection, csv_file: str, ids: Sequence[str]) -> set[str]:
    """Which of these contracts of a ledger had a row that said `Y` when it was last judged, or before."""
    said = sa.select(_r.contract_id).where(_r.csv_file == csv_file, _among(ids), _r.said_yes_at.is_not(None))
    return set(connection.execute(said).scalars())


def mark_written(connection: sa.Connection, csv_file: str, ids: Sequence[str], *, yes: bool, now: dt.datetime) -> None:
    """Note that the rows of these contracts say `Y` (or `N`) because we wrote it: that is no question."""
    if ids:
        written = contract_rows.update().where(_r.csv_file == csv_file, _among(ids))
        connection.execute(written.values(said_yes_at=now if yes else None, set_back_at=None))


def contracts(
    connection: sa.Connection,
    *,
    csv_file: str | None = None,
    contract_id: str | None = None,
    state: RowState | None = None,
    limit: int,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Rows of the ledgers, those first seen last at the top, each with its state and its messages by state."""
    values = {"csv_file": csv_file, "contract_id": contract_id, "limit": limit, "offset": offset}
    return [dict(row) for row in connection.execute(_CONTRACTS[state], values).mappings()]


def count_contracts(connection: sa.Connection, csv_file: str | None = None) -> int:
    """How many contracts were ever seen, in all ledgers or in one."""
    seen = sa.select(sa.func.count()).select_from(contract_rows)
    return connection.execute(seen if csv_file is None else seen.where(_r.csv_file == csv_file)).scalar_one()


def row_states(connection: sa.Connection) -> dict[str, dict[RowState, int]]:
    """Ledger → how many of its contracts are in which state."""
    return {
        row.csv_file: {"yes": row.yes, "waiting": row.waiting, "asked": row.asked, "parked": row.parked}
        for row in connection.execute(_ROW_STATES)
    }


def questions(connection: sa.Connection) -> list[Question]:
    """Contracts whose rows a person set back to `N`, ledger by ledger in the order of their lines."""
    return [
        Question(row.csv_file, row.contract_id, row.line, row.set_back_at, tuple(row.delivered))
        for row in connection.execute(_QUESTIONS)
    ]


def answered(connection: sa.Connection, contract_id: str) -> None:
    """The question about a contract is answered in every ledger: what its rows say next is new."""
    asked = contract_rows.update().where(_r.contract_id == contract_id, _r.set_back_at.is_not(None))
    connection.execute(asked.values(said_yes_at=None, set_back_at=None))


def ledgers_of(connection: sa.Connection, contract_id: str) -> list[str]:
    """The ledger files that a contract was seen in, the latest one first."""
    seen = sa.select(_r.csv_file).where(_r.contract_id == contract_id).order_by(_r.first_seen_at.desc(), _r.csv_file)
    return list(connection.execute(seen).scalars())


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


def parked_lines(
    connection: sa.Connection, csv_file: str | None, *, limit: int, offset: int = 0
) -> list[tuple[str, dt.datetime, Parked]]:
    """A page of the lines that could not be used: the ledger, when it was read, and the line."""
    values = {"csv_file": csv_file, "limit": limit, "offset": offset}
    return [
        (row.csv_file, row.read_at, Parked(row.line, row.reason, row.contract_id))
        for row in connection.execute(_PARKED_LINES, values)
    ]


def readings(connection: sa.Connection) -> dict[str, tuple[dt.datetime, int]]:
    """Ledger → when its contents last changed, and how many contracts it then had."""
    read = connection.execute(sa.select(_l.csv_file, _l.read_at, _l.rows).order_by(_l.csv_file))
    return {row.csv_file: (row.read_at, row.rows) for row in read}


def ledgers(connection: sa.Connection) -> list[str]:
    """The ledger files that were ever read."""
    return list(connection.execute(sa.select(_l.csv_file).order_by(_l.csv_file)).scalars())


def known_ledgers(connection: sa.Connection) -> list[str]:
    """The ledger files of which any row or content is kept, by path."""
    known = sa.union(sa.select(_r.csv_file), sa.select(_l.csv_file)).subquery()
    return list(connection.execute(sa.select(known.c.csv_file).order_by(known.c.csv_file)).scalars())


def has_one_of(connection: sa.Connection, csv_file: str, ids: Sequence[str]) -> bool:
    """Whether the ledger was seen to have one of these contracts."""
    seen = sa.select(sa.exists().where(_r.csv_file == csv_file, _among(ids)))
    return bool(connection.execute(seen).scalar_one())


def move_ledger(connection: sa.Connection, old: str, new: str) -> int:
    """Make what is known of one ledger known of another path; returns how many contracts."""
    return int(connection.execute(_MOVE_LEDGER, {"old": old, "new": new}).scalar_one())


def _among(ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return _r.contract_id == sa.any_(sa.literal(list(ids), ARRAY(sa.Text)))
