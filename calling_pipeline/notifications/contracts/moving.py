"""A ledger whose folder was moved is the ledger it was: what is known of its contracts goes with the file."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.alerts import conditions
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.ledger_files import key_of
from calling_pipeline.notifications.contracts.rows import store as rows


def recognise(connection: sa.Connection, path: Path, ledger: LedgerFile, *, by: str) -> str | None:
    """The place where the ledger was before, when it was moved; what is known of it is taken along. None: it was not.

    It was moved when nothing is known of its place, and exactly one ledger of its name is known whose file is gone and that
    has one of its contracts. A copy beside the file that stays is a ledger of its own.
    """
    here = key_of(path)
    known = rows.known_ledgers(connection)
    if here in known:
        return None
    gone = [one for one in known if Path(one).name == Path(here).name and not Path(one).exists()]
    if len(gone) != 1 or not rows.has_one_of(connection, gone[0], [one.contract_id for one in ledger.contracts]):
        return None
    _move(connection, gone[0], here, by=by, reason="")
    return gone[0]


def move(connection: sa.Connection, old: Path, new: Path, *, by: str, reason: str = "") -> int:
    """Take what is known of the ledger `old` along to `new`, by a person's word; returns how many contracts.

    Raises `NotFound` when nothing is known of `old`, `Conflict` while its file is still there, `InvalidInput` when `new` is
    no file or the same one.
    """
    before, after = key_of(old), key_of(new)
    if before == after or not Path(after).is_file():
        raise InvalidInput(f"{new} is not the file that {old.name} became", field="new")
    if Path(before).exists():
        raise Conflict(f"{old} is still there; a ledger that was copied is a ledger of its own")
    if before not in rows.known_ledgers(connection):
        raise NotFound(f"nothing is known of a ledger {old}")
    return _move(connection, before, after, by=by, reason=reason)


def _move(connection: sa.Connection, old: str, new: str, *, by: str, reason: str) -> int:
    contracts = rows.move_ledger(connection, old, new)
    conditions.resolve(connection, f"ledger_lines:{old}", f"{Path(old).name} was moved")
    after = {"ledger": new, "contracts": contracts}
    subject = f"contract_ledger:{Path(new).name}"
    note_act(connection, "contract_ledger.move", subject, by=by, reason=reason, before={"ledger": old}, after=after)
    return contracts
