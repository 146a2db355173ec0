"""From a ledger's rows to messages in the outbox: at most one of each kind per contract, however often it is run."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import note
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.notifications.config import Plan
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.composing import Names, compose
from calling_pipeline.notifications.contracts.contradictions import review
from calling_pipeline.notifications.contracts.ledger_files import key_of, read_ledger
from calling_pipeline.notifications.contracts.records import Contract, Parked
from calling_pipeline.notifications.outbox.records import Draft


@dataclass
class Generated:
    """What one ledger gave: rows read, rows with `N`, rows first seen now, messages made, lines parked and why."""

    csv_file: str
    encoding: str
    rows: int
    open_rows: int
    new_rows: int
    messages: int
    parked: list[Parked] = field(default_factory=list)


def generate(
    connection: sa.Connection, path: Path, plan: Plan, names: Names, *, created_by: str, day: dt.date | None = None
) -> Generated:
    """Make the messages of a ledger's rows with `N` that have none yet; only of rows first seen on `day` when given.

    Raises `InvalidInput` or `NotFound` when the file cannot be used at all.
    """
    csv_file, now = key_of(path), days.now()
    ledger = read_ledger(path)
    new_rows = store.note_ledger(connection, csv_file, ledger, now)
    wanted = [contract for contract in ledger.contracts if not contract.notified]
    open_rows = len(wanted)
    if day is not None:
        seen = store.first_seen_between(connection, csv_file, *days.day_bounds(day))
        wanted = [contract for contract in wanted if contract.contract_id in seen]
    drafts, undeliverable = _drafts(connection, wanted, plan, names, ledger=path.name, day=day or days.day_of(now))
    messages = store.add_messages(connection, drafts, csv_file=csv_file, created_by=created_by, now=now)
    review(connection, csv_file, ledger)
    generated = Generated(
        csv_file, ledger.encoding, len(ledger.contracts), open_rows, new_rows, messages, ledger.parked + undeliverable
    )
    _alert(connection, generated)
    if new_rows or messages:
        figures = {"contracts": generated.rows, "contracts_first_seen": new_rows, "messages": messages}
        note(connection, "contract_notifications", day or days.day_of(now), by=created_by, **figures)
    return generated


def _drafts(
    connection: sa.Connection, contracts: Sequence[Contract], plan: Plan, names: Names, *, ledger: str, day: dt.date
) -> tuple[list[tuple[Contract, Draft]], list[Parked]]:
    known = store.known_kinds(connection, [contract.contract_id for contract in contracts])
    drafts: list[tuple[Contract, Draft]] = []
    undeliverable: list[Parked] = []
    for contract in contracts:
        kinds = [kind for kind in contract.kinds if (contract.contract_id, kind) not in known]
        campaign = plan.campaign_for(city=contract.city, day=day, ledger=ledger)
        try:
            if campaign is None:
                raise ConfigurationError(f"no campaign fits {contract.city or 'a row without a city'} in {day:%Y-%m}")
            drafts += [(contract, compose(contract, campaign, kind, names)) for kind in kinds]
        except ConfigurationError as error:
            undeliverable.append(Parked(contract.line, str(error), contract.contract_id))
    return drafts, undeliverable


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
