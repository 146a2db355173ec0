"""What a ledger says by now decides about the messages that were made of it and wait, whichever door delivers.

A contract whose lines contradict each other may have been announced already. No message is made of it. One that waits since
an earlier reading of the file is put aside as a dead letter with the lines in its reason, and goes on by itself when the
file agrees with itself again. `Y` on every line of a contract was written by a person to stop what waits: it is withdrawn. A
message that a dispatcher has claimed already is sent. Every delivery asks here first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.activity.noting import note
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.ledger_files import read_ledger
from calling_pipeline.notifications.contracts.ledger_rows import CONTRACT_ID, NOTIFIED
from calling_pipeline.notifications.contracts.records import Contract
from calling_pipeline.notifications.dependencies import NotificationDependencies

_WHAT_TO_DO = "correct the ledger so that its lines agree; the message then goes on by itself"
Identity = tuple[int, int, int]


@dataclass(frozen=True)
class Said:
    """What of a ledger concerns waiting messages: contracts with `Y` on all lines, contradictions with their reason."""

    notified: frozenset[str]
    contradicted: Mapping[str, str]


@dataclass
class LedgerWatch:
    """What each ledger says, read again only when the file is another than before."""

    _seen: dict[str, tuple[Identity, Said]] = field(default_factory=dict)

    def said(self, csv_file: str) -> Said | None:
        """What it says now; None for a file that cannot be read: what was decided about its messages stays."""
        path = Path(csv_file)
        try:
            now = path.stat()
            identity = (now.st_ino, now.st_mtime_ns, now.st_size)
            known = self._seen.get(csv_file)
            if known is None or known[0] != identity:
                known = self._seen[csv_file] = identity, said_by(read_ledger(path))
        except (OSError, CallingError):  # generating and writing back say what is wrong with the file
            return None
        return known[1]


def heed_ledgers(deps: NotificationDependencies, watch: LedgerWatch) -> int:
    """Read every ledger that has messages waiting or put aside; returns how many messages were withdrawn.

    Raises `DatabaseUnavailable` when the database stays away.
    """
    with deps.transaction() as connection:
        waiting = store.ledgers_with_open_messages(connection)
    withdrawn = 0
    for csv_file in waiting:
        said = watch.said(csv_file)
        if said is not None:
            with deps.transaction() as connection:
                review(connection, csv_file, said)
                withdrawn += _withdraw(connection, csv_file, said)
    return withdrawn


def review(connection: sa.Connection, csv_file: str, said: Said) -> int:
    """Put waiting messages of contradicted contracts aside, and let those go on that are so no more.

    Returns how many were put aside now.
    """
    name = Path(csv_file).name
    reasons = {contract_id: f"{name}: {reason}; {_WHAT_TO_DO}" for contract_id, reason in said.contradicted.items()}
    held_back = store.put_aside(connection, csv_file, reasons)
    if held_back + store.let_go_on(connection, csv_file, list(said.contradicted)):
        note(connection, store.OUTBOX.asset, days.today(), held_back=held_back)
    return held_back


def said_by(ledger: LedgerFile) -> Said:
    """What a ledger says about its contracts."""
    half = {one.contract_id: disagreement(one) for one in ledger.contracts if one.said_yes and not one.notified}
    notified = frozenset(one.contract_id for one in ledger.contracts if one.notified)
    return Said(notified, {**ledger.contradictions, **half})


def disagreement(contract: Contract) -> str:
    """Why a contract of which some lines say `Y` and some `N` gets no message."""
    lines = ", ".join(map(str, contract.lines))
    return f"{CONTRACT_ID} {contract.contract_id}: lines {lines} disagree on {NOTIFIED}"


def _withdraw(connection: sa.Connection, csv_file: str, said: Said) -> int:
    if not said.notified:
        return 0
    reason = f"withdrawn: {Path(csv_file).name} says Y"
    done = store.withdraw(connection, csv_file, sorted(said.notified), reason=reason, now=days.now())
    for contract_id, messages in done.items():
        subject, after = f"contract:{contract_id}", {"messages": messages}
        note_act(connection, "message.withdraw", subject, by="", reason=reason, after=after)
    withdrawn = sum(map(len, done.values()))
    if withdrawn:
        note(connection, store.OUTBOX.asset, days.today(), withdrawn=withdrawn)
    return withdrawn
