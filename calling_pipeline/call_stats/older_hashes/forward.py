"""Brings phone hashes of older versions forward, so that call records join with the other rooms.

Before version 0.2 call records hashed most spellings other than a clean mobile as the vendor wrote them. A call record
holds no full number, so there are two ways. Where another room holds the number in full, the hashes of its older
spellings are computed and replaced. The days that still show such a phone after that are read from the vendor again: a
full read of a day hashes all of it anew. Telephony hashed canonical numbers from the beginning.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from calling_pipeline.call_stats.older_hashes import store
from calling_pipeline.database import locks
from calling_pipeline.database.engine import driver_connection, reachable
from calling_pipeline.errors import NotFound
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.phones import mobile_prefixes
from calling_pipeline.task_ledger.ledger import find, save_task_details
from calling_pipeline.task_ledger.records import Task, TaskDetails

TASK_ID = "migration:phone_hashes"
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class BroughtForward:
    """`rows`: call records changed by this call; `days`: whose call records are to be read in full again."""

    rows: int
    days: tuple[dt.date, ...]


def bring_forward(engine: sa.Engine, phone_key: bytes) -> BroughtForward:
    """Replace older hashes once, and say which days are still to be read again. Called again, it changes nothing.

    The task ledger records that it was done, with the days; a day leaves the list when it was read in full since.
    """
    with reachable(engine) as connection, connection.begin():
        locks.hold(connection, "phone hashes", "bring forward")
        done, rows = _recorded(connection), 0
        if done is None:
            rows = _replace(connection, phone_key)
            days = store.days_with_older_hashes(connection, {prefix[:3] for prefix in mobile_prefixes()})
            details = {"rows": rows, "days": [day.isoformat() for day in days]}
            save_task_details(connection, TaskDetails(TASK_ID, "migration", "completed", details=details, by="migrate"))
            done = find(connection, TASK_ID)
        assert done.finished_at is not None
        days = [dt.date.fromisoformat(day) for day in done.details["days"]]
        return BroughtForward(rows, tuple(store.days_not_read_since(connection, days, done.finished_at)))


def older_spellings(phone: str) -> list[str]:
    """The texts of a canonical `phone` that older versions hashed as they were, where they named the same number."""
    if not phone.startswith("+86") and phone.startswith("+"):
        return [f"00{phone[1:]}"]
    national = phone.removeprefix("+86")
    prefixed = [f"86{national}", f"0{national}", f"+860{national}", f"{national}.0", f"0{national}.0"]
    if phone.startswith("+"):
        wide = f"0{national}".translate(_FULL_WIDTH)
        return [*prefixed, wide, f"0086{national}", f"(0{national[:2]}){national[2:]}", f"(0{national[:3]}){national[3:]}"]
    groups = (national[:3], national[3:7], national[7:])
    separated = [separator.join(groups) for separator in "._/·－"]
    labelled = [f"{label}{colon}{national}" for label in ("手机", "手机号", "电话") for colon in ":："]
    wide = national.translate(_FULL_WIDTH)
    return [*prefixed, *separated, *labelled, wide, f"＋８６{wide}", f"({groups[0]}){national[3:]}", f"(+86){national}"]


def _recorded(connection: sa.Connection) -> Task | None:
    try:
        return find(connection, TASK_ID)
    except NotFound:
        return None


def _replace(connection: sa.Connection, phone_key: bytes) -> int:
    """Give call records of the numbers that are known in full their canonical hash; returns how many changed."""
    if not store.has_call_records(connection):
        return 0
    driver = driver_connection(connection)
    store.create_older_hashes(connection)
    for phones in store.known_numbers(driver):
        store.add_older_hashes(
            driver,
            (
                (phone_hash(phone_key, spelling), phone_hash(phone_key, phone), mask_phone(phone))
                for phone in phones
                for spelling in older_spellings(phone)
            ),
        )
    return store.replace_hashes(connection)
