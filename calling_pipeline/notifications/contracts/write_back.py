"""From the table back to the ledger: `Y` where every message of a contract was delivered, and nothing else changed.

A contract whose row a person set back from `Y` to `N` is left alone: whether it is to be sent again is theirs to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import atomic_file, days, tracing
from calling_pipeline.errors import NotFound
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile, parse
from calling_pipeline.notifications.contracts.ledger_files import key_of
from calling_pipeline.notifications.contracts.rows import store as rows


@dataclass
class WrittenBack:
    """How many contracts were set to `Y` and to `N`, and whether the file was made from the bytes last read."""

    csv_file: str
    set_yes: int = 0
    set_no: int = 0
    made_anew: bool = False


@tracing.traced("write_back")
def write_back(connection: sa.Connection, path: Path) -> WrittenBack:
    """Set `Y` on every line of the contracts whose messages are all delivered; the whole file in one replacement.

    Raises `NotFound`, `InvalidInput`, `Conflict` or `Busy` when the file cannot be read or written; it is unchanged then.
    """
    csv_file = key_of(path)

    def wanted(ledger: LedgerFile) -> dict[str, bool]:
        open_ones = [contract.contract_id for contract in ledger.contracts if not contract.notified]
        sent = store.sent(connection, open_ones)
        asked = rows.said_yes_before(connection, csv_file, open_ones)
        return {
            contract.contract_id: True
            for contract in ledger.contracts
            if not contract.notified
            and contract.contract_id in sent
            and sent[contract.contract_id].covers(contract)
            and (contract.said_yes or contract.contract_id not in asked)
        }

    return _write(connection, path, wanted)


def write_yes(connection: sa.Connection, path: Path, ids: Collection[str]) -> WrittenBack:
    """Set `Y` for these contracts because a person says so. Raises what `write_back` raises."""
    return _write(connection, path, lambda ledger: {id_: True for id_ in ids if ledger.knows(id_)})


def _write(connection: sa.Connection, path: Path, wanted: Callable[[LedgerFile], dict[str, bool]]) -> WrittenBack:
    result = WrittenBack(key_of(path))
    changes: dict[str, bool] = {}

    def change(content: bytes) -> bytes:
        nonlocal changes
        ledger = parse(content)
        changes = wanted(ledger)
        return ledger.with_status(changes)

    atomic_file.replace(path, change)
    return _noted(connection, result, changes)


def _noted(connection: sa.Connection, result: WrittenBack, changes: Mapping[str, bool]) -> WrittenBack:
    yes = [contract_id for contract_id, notified in changes.items() if notified]
    no = [contract_id for contract_id, notified in changes.items() if not notified]
    rows.mark_written(connection, result.csv_file, yes, yes=True, now=days.now())
    rows.mark_written(connection, result.csv_file, no, yes=False, now=days.now())
    result.set_yes, result.set_no = len(yes), len(no)
    return result


def rebuild(connection: sa.Connection, path: Path, *, from_kept: bool = False) -> WrittenBack:
    """Make the ledger say exactly what the table says: `Y` where everything was delivered, `N` where not.

    Contracts that the table has no message about, or whose messages a `Y` by hand withdrew, stay as they are. A lost file
    (or, with `from_kept`, a damaged one) is made again from the bytes last read. Raises `NotFound` when there is neither.
    """
    result = WrittenBack(key_of(path))
    changes: dict[str, bool] = {}
    kept = rows.kept_ledger(connection, key_of(path))
    lost = not path.exists()
    if (lost or from_kept) and kept is None:
        raise NotFound(
            f"the ledger {path} {'is not there and ' if lost else ''}was never read; there is nothing to make it from"
        )

    def change(content: bytes) -> bytes:
        nonlocal changes
        ledger = parse(kept if kept is not None and from_kept else content)
        changes = _differences(connection, ledger)
        return ledger.with_status(changes)

    if lost:
        assert kept is not None
        atomic_file.create(path, change(kept))
    else:
        atomic_file.replace(path, change)
    result.made_anew = lost or from_kept
    return _noted(connection, result, changes)


def _differences(connection: sa.Connection, ledger: LedgerFile) -> dict[str, bool]:
    known = store.sent(connection, [contract.contract_id for contract in ledger.contracts])
    changes: dict[str, bool] = {}
    for contract in ledger.contracts:
        sent = known.get(contract.contract_id)
        if sent is None or (contract.said_yes and sent.closed and not sent.complete):
            continue
        covered = sent.covers(contract)
        if covered != contract.notified or (not covered and contract.said_yes):
            changes[contract.contract_id] = covered
    return changes
