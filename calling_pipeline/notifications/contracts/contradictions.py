"""What a ledger contradicts itself about is not delivered, whichever door delivers.

A contract whose lines disagree on 是否发送通知 may have been announced already. No message is made of it. One that waits
since an earlier reading of the file is put aside as a dead letter with the lines in its reason, and goes on by itself when
the file agrees with itself again. Every delivery asks here first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import note
from calling_pipeline.errors import CallingError
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile
from calling_pipeline.notifications.contracts.ledger_files import read_ledger

_WHAT_TO_DO = "correct the ledger so that its lines agree; the message then goes on by itself"


def hold_back_contradicted(connection: sa.Connection) -> int:
    """Read every ledger that has messages waiting or put aside; returns how many messages were put aside now.

    A file that cannot be read says nothing new: what was decided about its messages stays.
    """
    held_back = 0
    for csv_file in store.ledgers_with_open_messages(connection):
        try:
            ledger = read_ledger(Path(csv_file))
        except CallingError:
            continue
        held_back += review(connection, csv_file, ledger)
    return held_back


def review(connection: sa.Connection, csv_file: str, ledger: LedgerFile) -> int:
    """Put waiting messages of contradicted contracts aside, and let those go on that are so no more."""
    found = contradicted(ledger)
    name = Path(csv_file).name
    reasons = {contract_id: f"{name}: {said}; {_WHAT_TO_DO}" for contract_id, said in found.items()}
    held_back = store.put_aside(connection, csv_file, reasons)
    if held_back + store.let_go_on(connection, csv_file, list(found)):
        note(connection, store.OUTBOX.asset, days.today(), held_back=held_back)
    return held_back


def contradicted(ledger: LedgerFile) -> Mapping[str, str]:
    """Contract ids that stand in several lines of which none can be used, with the lines and what they disagree on."""
    return {
        parked.contract_id: parked.reason
        for parked in ledger.parked
        if parked.contract_id in ledger.repeated and not ledger.knows(parked.contract_id)
    }
