"""A person's answers: send a contract's messages again, or write `Y` back where it was set to `N`.

Each is an order with a reason, kept in the audit log. The same order given twice is carried out once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.generation import compose_all
from calling_pipeline.notifications.contracts.ledger_files import read_ledger
from calling_pipeline.notifications.contracts.ledger_rows import key_of_contract, with_figures
from calling_pipeline.notifications.contracts.records import Contract, Order, SentMessage
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.contracts.write_back import write_yes

_OPEN = {
    "pending": "still waits to be sent",
    "sending": "is being sent",
    "unknown": "may have been sent; look into the group and settle it first",
    "dead": "was given up and certainly not sent; redrive it instead",
}


@dataclass(frozen=True)
class Resent:
    """What an order to send again did. `already`: the same order was given before, and these are its messages."""

    contract_id: str
    messages: tuple[int, ...]
    already: bool = False

    @property
    def sentence(self) -> str:
        """For people."""
        listed = ", ".join(map(str, self.messages))
        if self.already:
            return f"contract {self.contract_id}: this was ordered before, as messages {listed}; nothing is sent again"
        return f"contract {self.contract_id}: messages {listed} wait to be sent"


def resend(
    connection: sa.Connection, contract_id: str, plan: Plan, names: Names, *, why: str, by: str, key: str = ""
) -> Resent:
    """Make new messages of a contract's line as it stands now, each linked to the one that it sends again.

    An order is known by its `key`, else by its reason: given a second time it makes nothing. Raises `InvalidInput` without a
    reason or for a line that no message can be made of, `NotFound` for a contract that was never seen or whose ledger is
    gone, `Conflict` while a message about it is open or held, `ConfigurationError` when nobody is configured to receive it.
    """
    contract_id, why = key_of_contract(contract_id), why.strip()
    if not why:
        raise InvalidInput("say why the contract is announced again", field="why")
    locks.hold(connection, "resend", contract_id)
    before = store.messages_of(connection, contract_id)
    order_key = hashlib.sha256((key.strip() or why).encode()).hexdigest()[:32]
    ordered = tuple(message.id for message in before if message.metadata.get("order") == order_key)
    if ordered:
        return Resent(contract_id, ordered, already=True)
    for message in before:
        if message.state in _OPEN:
            raise Conflict(f"contract {contract_id}: message {message.id} {_OPEN[message.state]}")
    path, contract = _as_it_stands(connection, contract_id, before)
    day = days.today()
    drafts = compose_all(contract, contract.kinds, plan, names, ledger=path.name, day=day)
    metadata = {"order": order_key, "why": why, "despite_yes": contract.said_yes}
    order = Order({kind: _edition(before, kind) for kind in contract.kinds}, metadata)
    store.add_messages(connection, drafts, csv_file=str(path), created_by=by, now=days.now(), order=order)
    if not contract.said_yes:
        rows.mark_written(connection, str(path), [contract_id], yes=False, now=days.now())
    rows.answered(connection, contract_id)
    made = tuple(one.id for one in store.messages_of(connection, contract_id) if one.metadata.get("order") == order_key)
    was = {"messages": [message.id for message in before]}
    note_act(
        connection,
        "contract.resend",
        f"contract:{contract_id}",
        by=by,
        reason=why,
        before=was,
        after={"messages": list(made)},
    )
    note(connection, "contract_notifications", day, by=by, messages=len(made))
    return Resent(contract_id, made)


def keep(connection: sa.Connection, ids: Sequence[str] | None, *, by: str, why: str = "") -> list[str]:
    """Write `Y` back for contracts that were set to `N` by hand (all of them when `ids` is None); returns which.

    Raises `NotFound` for a contract about which nothing is asked, and what `write_back` raises for a ledger that cannot be
    written; the ledgers before it are written then.
    """
    asked = rows.questions(connection)
    if ids is not None:
        wanted = {key_of_contract(contract_id) for contract_id in ids}
        missing = sorted(wanted - {question.contract_id for question in asked})
        if missing:
            raise NotFound(f"contract {missing[0]} was not set back to N; `notify status` shows which were")
        asked = [question for question in asked if question.contract_id in wanted]
    by_ledger: dict[str, list[str]] = {}
    for question in asked:
        by_ledger.setdefault(question.csv_file, []).append(question.contract_id)
    for csv_file, contracts in by_ledger.items():
        write_yes(connection, Path(csv_file), contracts)
        for contract_id in contracts:
            note_act(connection, "contract.keep", f"contract:{contract_id}", by=by, reason=why, after={"ledger": csv_file})
    return [question.contract_id for question in asked]


def _as_it_stands(connection: sa.Connection, contract_id: str, before: Sequence[SentMessage]) -> tuple[Path, Contract]:
    """The contract's ledger and what it says now."""
    named = [str(message.metadata["csv_file"]) for message in reversed(before) if message.metadata.get("csv_file")]
    seen = list(dict.fromkeys([*rows.ledgers_of(connection, contract_id), *named]))
    if not seen:
        raise NotFound(f"contract {contract_id} was never seen in a ledger")
    for csv_file in seen:
        path = Path(csv_file)
        if not path.exists():
            continue
        ledger = read_ledger(path)
        if contract_id in ledger.contradictions:
            raise InvalidInput(f"{path.name}: {ledger.contradictions[contract_id]}")
        found = next((one for one in ledger.contracts if one.contract_id == contract_id), None)
        if found is not None:
            contract = with_figures(found)
            if contract.unfit:
                raise InvalidInput(f"{path.name} line {contract.line}: {contract.unfit}")
            return path, contract
    raise NotFound(f"contract {contract_id} is in none of its ledgers any more: {', '.join(seen)}")


def _edition(before: Sequence[SentMessage], kind: str) -> tuple[int, int | None]:
    of_kind = [message for message in before if message.kind == kind]
    return (of_kind[-1].edition + 1, of_kind[-1].id) if of_kind else (0, None)
