"""From the table back to the ledger: `Y` where every message of a contract was delivered, and nothing else changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import atomic_file
from calling_pipeline.errors import NotFound
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile, parse
from calling_pipeline.notifications.contracts.ledger_files import key_of


@dataclass
class WrittenBack:
    """How many contracts were set to `Y` and to `N`, and whether the file was made from the bytes last read."""

    csv_file: str
    set_yes: int = 0
    set_no: int = 0
    made_anew: bool = False


def write_back(connection: sa.Connection, path: Path) -> WrittenBack:
    """Set `Y` for the contracts whose messages are all delivered; the whole file in one replacement.

    Raises `NotFound`, `InvalidInput`, `Conflict` or `Busy` when the file cannot be read or written; it is unchanged then.
    """
    result = WrittenBack(key_of(path))

    def change(content: bytes) -> bytes:
        ledger = parse(content)
        changes = {id_: yes for id_, yes in _differences(connection, ledger).items() if yes}
        result.set_yes = len(changes)
        return ledger.with_status(changes)

    atomic_file.replace(path, change)
    return result


def rebuild(connection: sa.Connection, path: Path, *, from_kept: bool = False) -> WrittenBack:
    """Make the ledger say exactly what the table says: `Y` where everything was delivered, `N` where not.

    Contracts that the table has no message about stay as they are. A lost file (or, with `from_kept`, a damaged one) is
    made again from the bytes last read. Raises `NotFound` when there is neither.
    """
    result = WrittenBack(key_of(path))
    kept = store.kept_ledger(connection, key_of(path))
    lost = not path.exists()
    if (lost or from_kept) and kept is None:
        raise NotFound(
            f"the ledger {path} {'is not there and ' if lost else ''}was never read; there is nothing to make it from"
        )

    def change(content: bytes) -> bytes:
        ledger = parse(kept if kept is not None and from_kept else content)
        changes = _differences(connection, ledger)
        result.set_yes = sum(changes.values())
        result.set_no = len(changes) - result.set_yes
        return ledger.with_status(changes)

    if lost:
        assert kept is not None
        atomic_file.create(path, change(kept))
    else:
        atomic_file.replace(path, change)
    result.made_anew = lost or from_kept
    return result


def _differences(connection: sa.Connection, ledger: LedgerFile) -> dict[str, bool]:
    known = store.sent(connection, [contract.contract_id for contract in ledger.contracts])
    return {
        contract.contract_id: known[contract.contract_id].covers(contract)
        for contract in ledger.contracts
        if contract.contract_id in known and known[contract.contract_id].covers(contract) != contract.notified
    }
