"""From a ledger's rows to messages in the outbox: at most one of each kind per contract, however often it is run."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days, tracing
from calling_pipeline.activity.noting import note
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names, compose
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.contradictions import disagreement, review, said_by
from calling_pipeline.notifications.contracts.ledger_files import key_of, read_ledger
from calling_pipeline.notifications.contracts.moving import recognise
from calling_pipeline.notifications.contracts.records import Contract, Kind, Parked
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox.records import Draft


@dataclass
class Generated:
    """What one ledger gave: contracts, contracts with `N`, contracts first seen now, messages made, lines parked and why.

    `without_receiver`: how many of the parked lines wait for a setting (no robot, no campaign) and go on by themselves.
    """

    csv_file: str
    encoding: str
    rows: int
    open_rows: int
    new_rows: int
    messages: int
    parked: list[Parked] = field(default_factory=list)
    without_receiver: int = 0


@dataclass
class Wanted:
    """The messages that a ledger's contracts lack, and the contracts that none can be made of.

    `judged`: the contracts that were looked at. `parked` stands on their lines; `waiting` are the ids of those.
    """

    judged: list[Contract]
    drafts: list[tuple[Contract, Draft]] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    without_receiver: int = 0

    def park(self, contract: Contract, reason: str) -> None:
        """No message can be made of this contract now."""
        self.parked += [Parked(line, reason, contract.contract_id) for line in contract.lines]
        self.waiting.append(contract.contract_id)


@tracing.traced("generate")
def generate(
    connection: sa.Connection, path: Path, plan: Plan, names: Names, *, created_by: str, day: dt.date | None = None
) -> Generated:
    """Make the messages of a ledger's contracts with `N` that have none yet.

    With `day` only of those first seen that day, and of those seen before that none could be made of until now. Raises
    `InvalidInput` or `NotFound` when the file cannot be used at all.
    """
    csv_file, now = key_of(path), days.now()
    ledger = read_ledger(path)
    recognise(connection, path, ledger, by=created_by)
    new_rows = rows.note_rows(connection, csv_file, ledger, now)
    chosen = None if day is None else rows.candidates(connection, csv_file, *days.day_bounds(day))
    wanted = wanted_messages(connection, path, ledger, plan, names, day=day or days.day_of(now), chosen=chosen)
    messages = store.add_messages(connection, wanted.drafts, csv_file=csv_file, created_by=created_by, now=now)
    review(connection, csv_file, said_by(ledger))
    rows.mark_parked(connection, csv_file, [contract.contract_id for contract in wanted.judged], wanted.waiting)
    parked = sorted(ledger.parked + wanted.parked, key=lambda one: one.line)
    rows.keep_ledger(connection, csv_file, ledger, parked, now)
    open_rows = sum(not contract.notified for contract in ledger.contracts)
    generated = Generated(
        csv_file, ledger.encoding, len(ledger.contracts), open_rows, new_rows, messages, parked, wanted.without_receiver
    )
    _alert(connection, generated)
    if new_rows or messages:
        figures = {"contracts": generated.rows, "contracts_first_seen": new_rows, "messages": messages}
        note(connection, "contract_notifications", day or days.day_of(now), by=created_by, **figures)
    return generated


def wanted_messages(
    connection: sa.Connection,
    path: Path,
    ledger: LedgerFile,
    plan: Plan,
    names: Names,
    *,
    day: dt.date,
    chosen: Collection[str] | None = None,
) -> Wanted:
    """The messages that the contracts with `N` (those in `chosen` when given) lack. Writes nothing.

    A contract whose row a person set back to `N` gets none before they say so, and one of whose lines some say `Y` and some
    `N` gets none unless all was delivered: then it is ours to write `Y` on the others.
    """
    open_ones = [one for one in ledger.contracts if not one.notified and (chosen is None or one.contract_id in chosen)]
    asked = rows.said_yes_before(connection, key_of(path), [one.contract_id for one in open_ones])
    wanted = Wanted([one for one in open_ones if one.said_yes or one.contract_id not in asked])
    ids = [contract.contract_id for contract in wanted.judged]
    known, sent = store.known_kinds(connection, ids), store.sent(connection, ids)
    for contract in wanted.judged:
        kinds = [kind for kind in contract.kinds if (contract.contract_id, kind) not in known]
        if contract.said_yes:
            already = sent.get(contract.contract_id)
            if already is None or not already.covers(contract):
                wanted.park(contract, disagreement(contract))
        elif kinds and contract.unfit:
            wanted.park(contract, contract.unfit)
        elif kinds:
            try:
                wanted.drafts += compose_all(contract, kinds, plan, names, ledger=path.name, day=day)
            except ConfigurationError as error:
                wanted.park(contract, str(error))
                wanted.without_receiver += len(contract.lines)
    return wanted


def compose_all(
    contract: Contract, kinds: Sequence[Kind], plan: Plan, names: Names, *, ledger: str, day: dt.date
) -> list[tuple[Contract, Draft]]:
    """The messages of these kinds, all or none. Raises `ConfigurationError` when no campaign or no receiver fits."""
    campaign = plan.campaign_for(city=contract.city, day=day, ledger=ledger)
    if campaign is None:
        raise ConfigurationError(f"no campaign for {contract.city or 'a row without a city'} in {day:%Y-%m}")
    return [(contract, compose(contract, campaign, kind, names)) for kind in kinds]


def _alert(connection: sa.Connection, generated: Generated) -> None:
    """Alert about the lines of a file that cannot be used; again when other lines cannot, and when all can."""
    condition_name = f"ledger_lines:{generated.csv_file}"
    if not generated.parked:
        conditions.resolve(connection, condition_name, f"every line of {Path(generated.csv_file).name} could be used")
        return
    lines = "; ".join(f"line {parked.line}: {parked.reason}" for parked in generated.parked[:10])
    digest = hashlib.sha256("\n".join(f"{p.line}{p.reason}" for p in generated.parked).encode()).hexdigest()[:16]
    name = Path(generated.csv_file).name
    text = f"{name}: {len(generated.parked)} lines were not used. {lines}"
    condition = Condition(
        name=condition_name,
        failing=True,
        severity="warning",
        title=f"every line of the contract ledger {name} can be used",
        text=text,
        room="notifications",
        event=conditions.moment(),
        subject=name,
        signature=digest,
    )
    conditions.observe(connection, condition)
