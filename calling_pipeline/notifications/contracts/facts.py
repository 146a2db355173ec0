"""What the checks of the contract notifications judge: every ledger compared with the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline.errors import CallingError
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.ledger_files import key_of, read_ledger
from calling_pipeline.notifications.contracts.rows import store as rows


@dataclass
class LedgerFacts:
    """Facts about all ledgers, each one a sentence that names the file's line or the contract."""

    contradictions: list[str] = field(default_factory=list)
    wrong_status: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def ledger_facts(connection: sa.Connection, paths: Sequence[Path]) -> LedgerFacts:
    """Read every ledger and compare it with the table. Nothing is changed."""
    facts = LedgerFacts()
    for path in paths:
        try:
            ledger = read_ledger(path)
        except CallingError as error:
            facts.unreadable.append(f"{path.name}: {error}")
            continue
        facts.contradictions += [f"{path.name}: {reason}" for _, reason in sorted(ledger.contradictions.items())]
        facts.wrong_status += _wrong_status(connection, path, ledger)
    return facts


def _wrong_status(connection: sa.Connection, path: Path, ledger: LedgerFile) -> list[str]:
    """Rows that disagree with the table. What a person wrote is no fault: `Y` that stopped a message, or `N` set back."""
    known = store.sent(connection, [contract.contract_id for contract in ledger.contracts])
    before = rows.notified_before(connection, key_of(path))
    asked = rows.said_yes_before(connection, key_of(path), [one.contract_id for one in ledger.contracts if not one.notified])
    wrong: list[str] = []
    for contract in ledger.contracts:
        sent = known.get(contract.contract_id)
        where = f"{path.name} line {contract.line}, {contract.contract_id}"
        if sent is None:
            if contract.notified and contract.contract_id not in before:
                wrong.append(f"{where}: says Y, and no message about it was ever made")
        elif contract.notified and not sent.closed:
            wrong.append(f"{where}: says Y, but not every message was delivered")
        elif not contract.notified and sent.covers(contract) and (contract.said_yes or contract.contract_id not in asked):
            wrong.append(f"{where}: says N, but every message was delivered")
    return wrong
