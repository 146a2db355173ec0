"""Taking over the old state: send_status JSON files and the ledger's own column, which may contradict each other.

Nothing is sent. What both call sent is taken for delivered; what only a send_status file calls sent (it was written
before sending) is held as unknown, for a person to settle; what neither calls sent stays to be notified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.errors import ConfigurationError, InvalidInput
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names, compose
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.ledger_files import key_of, read_ledger
from calling_pipeline.notifications.contracts.records import GROUP, Contract, Kind, Parked
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.json_file import read_json
from calling_pipeline.notifications.outbox.records import Draft, MessageState
from calling_pipeline.notifications.outbox.store import ROBOT

_SENT_WORDS = frozenset(
    {"发送成功", "通知成功", "已发送", "成功", "sent", "success", "completed", "delivered", "y", "yes", "true"}
)
_ID_KEYS = ("contract_id", "_id", "id", "合同ID(_id)")
_STATUS_KEYS = ("status", "send_status", "state")
_IMPORTED = "imported"


@dataclass(frozen=True)
class Contradiction:
    """Two old sources that disagree about one contract, and how it was taken."""

    contract_id: str
    what: str
    taken_as: str


@dataclass
class Imported:
    """Messages taken over by state, contracts left to be notified, and the contradictions found.

    `contracts`: those of the ledger that could be read; `taken`: of these, those with messages that were not known before.
    """

    csv_file: str
    delivered: int = 0
    unknown: int = 0
    left_open: int = 0
    contracts: int = 0
    taken: int = 0
    contradictions: list[Contradiction] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)


def import_contracts(
    connection: sa.Connection, path: Path, status_files: list[Path], plan: Plan, names: Names, *, by: str
) -> Imported:
    """Import one ledger and the send_status files beside it. Doing it again changes nothing.

    Raises `NotFound` or `InvalidInput` for a file that cannot be used at all.
    """
    return take_contracts(connection, path, read_statuses(status_files), plan, names, by=by)


def take_contracts(
    connection: sa.Connection,
    path: Path,
    claims: Mapping[str, bool],
    plan: Plan,
    names: Names,
    *,
    by: str,
    known_as: Path | None = None,
) -> Imported:
    """Import one ledger and what others claim: contract id → whether it was sent. Doing it again changes nothing.

    `known_as`: the file that the ledger is here, where it is read elsewhere. Raises as `import_contracts`.
    """
    ledger = read_ledger(path)
    done = Imported(key_of(known_as or path), parked=ledger.parked, contracts=len(ledger.contracts))
    delivered, unknown = _judge(ledger, claims, done)
    known = {id_ for id_, _ in store.known_kinds(connection, [contract.contract_id for contract in delivered + unknown])}
    done.taken = sum(contract.contract_id not in known for contract in delivered + unknown)

    def add(contracts: list[Contract], state: MessageState, reason: str) -> int:
        drafts = [(contract, _draft(contract, kind, plan, names, path)) for contract in contracts for kind in contract.kinds]
        return store.add_messages(
            connection, drafts, csv_file=done.csv_file, created_by=by, now=days.now(), state=state, reason=reason
        )

    done.delivered = add(delivered, "delivered", "imported: the ledger said Y")
    done.unknown = add(unknown, "unknown", "imported: the old records contradict each other")
    rows.note_rows(connection, done.csv_file, ledger, days.now())
    rows.keep_ledger(connection, done.csv_file, ledger, ledger.parked, days.now())
    counts = {
        "ledger": path.name,
        "delivered": done.delivered,
        "unknown": done.unknown,
        "left_open": done.left_open,
        "contradictions": len(done.contradictions),
        "parked": len(done.parked),
    }
    note_act(connection, "notify.import", "messages:contracts", by=by, after=counts)
    return done


def read_statuses(files: list[Path]) -> dict[str, bool]:
    """Contract (or change) id → whether an old file calls it sent; where two files disagree, it counts as sent.

    A file is an object `{id: status}` or a list of objects with an id and a status. Raises `InvalidInput` for any other.
    """
    claims: dict[str, bool] = {}
    for file in files:
        for id_, status in _entries(file):
            claims[id_] = claims.get(id_, False) or _is_sent(status)
    return claims


def _judge(ledger: LedgerFile, claims: Mapping[str, bool], done: Imported) -> tuple[list[Contract], list[Contract]]:
    delivered: list[Contract] = []
    unknown: list[Contract] = []
    for contract in ledger.contracts:
        claim = claims.get(contract.contract_id)
        if contract.notified and claim is not False:
            delivered.append(contract)
            if claim is None and claims:
                done.contradictions.append(
                    Contradiction(contract.contract_id, "the ledger says Y, no send_status file knows it", "delivered")
                )
        elif contract.notified:
            unknown.append(contract)
            done.contradictions.append(
                Contradiction(contract.contract_id, "the ledger says Y, send_status says it was not sent", "unknown")
            )
        elif contract.said_yes:
            unknown.append(contract)
            done.contradictions.append(Contradiction(contract.contract_id, "some lines of it say Y and others N", "unknown"))
        elif claim:
            unknown.append(contract)
            done.contradictions.append(
                Contradiction(contract.contract_id, "send_status says sent, the ledger says N", "unknown")
            )
        else:
            done.left_open += 1
    not_in_ledger = sorted(id_ for id_, sent in claims.items() if sent and not ledger.knows(id_))
    done.contradictions += [
        Contradiction(id_, "send_status says sent, the ledger has no such contract", "nothing") for id_ in not_in_ledger
    ]
    return delivered, unknown


def _draft(contract: Contract, kind: Kind, plan: Plan, names: Names, path: Path) -> Draft:
    """The message as it would be made today; without a configured receiver, one to the receiver `imported`."""
    campaign = plan.campaign_for(city=contract.city, day=days.today(), ledger=path.name)
    try:
        if campaign is None:
            raise ConfigurationError("no campaign")
        return compose(contract, campaign, kind, names)
    except ConfigurationError:
        return Draft(f"{ROBOT if kind == GROUP else 'user:'}{_IMPORTED}", kind, f"合同 {contract.number}")


def _entries(file: Path) -> list[tuple[str, Any]]:
    document = read_json(file)
    if isinstance(document, dict):
        return [(str(id_).strip(), status) for id_, status in document.items()]
    if isinstance(document, list) and all(isinstance(entry, dict) for entry in document):
        found = [(_first(entry, _ID_KEYS), _first(entry, _STATUS_KEYS)) for entry in document]
        nameless = [place for place, (id_, _) in enumerate(found, 1) if id_ in (None, "")]
        if nameless:
            raise InvalidInput(f"{file}: entry {nameless[0]} has no id; one of {', '.join(_ID_KEYS)} is needed")
        return [(str(id_).strip(), status) for id_, status in found]
    raise InvalidInput(f"{file} must hold an object of id and status, or a list of objects")


def _first(entry: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((entry[key] for key in keys if key in entry), None)


def _is_sent(status: Any) -> bool:
    if isinstance(status, dict):
        status = _first(status, _STATUS_KEYS)
    return str(status).strip().lower() in _SENT_WORDS
