"""The do-not-call list: adding and removing. Files are read in `list_files.py`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy import store
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits, mask_phone
from calling_pipeline.phones import canonical_phone

LONGEST_SOURCE = 200


def add(
    connection: sa.Connection, phone: str, *, source: str, expires: dt.date | None = None, note: str = "", by: str = ""
) -> bool:
    """Put one number on the list until the end of the day `expires`; True when something changed.

    Raises `InvalidInput` for a text that names no whole number and for a source that is none.
    """
    number, until, whose = canonical_phone(phone), end_of(expires), named(source)
    before = _standing(connection, number, whose)
    changed = bool(store.block(connection, [(number, until, note)], source=whose, by=by, now=days.now()))
    if changed:
        after = {"source": whose, "expires_at": until.isoformat() if until else None}
        note_act(connection, "do_not_call.add", _subject(number), by=by, reason=note, before=before, after=after)
    return changed


def remove(connection: sa.Connection, phone: str, *, source: str | None = None, by: str = "", reason: str = "") -> int:
    """End the entries of one number now, of one source or of all; returns how many there were.

    They stay with their end, with `by` and with `reason`; what stood before is in `store.history`. Raises `InvalidInput`
    for a text that names no whole number.
    """
    number, now = canonical_phone(phone), days.now()
    ended = store.unblock(connection, number, source, by=by, why=mask_digits(reason.strip()), now=now)
    if ended:
        before = {"sources": ended}
        note_act(connection, "do_not_call.remove", _subject(number), by=by, reason=reason, before=before)
    return len(ended)


def end_of(day: dt.date | None) -> dt.datetime | None:
    """When an entry whose last day is `day` ends; None: never."""
    return None if day is None else days.day_bounds(day)[1]


def named(source: str) -> str:
    """The name of who asked for an entry. Raises `InvalidInput` for an empty one and one that is too long."""
    clean = source.strip()
    if not clean:
        raise InvalidInput("the source of a do-not-call entry is empty; name who asked for it", field="source")
    if len(clean) > LONGEST_SOURCE or not clean.isprintable():
        raise InvalidInput(f"a source has at most {LONGEST_SOURCE} characters and no line break", field="source")
    return clean


def _standing(connection: sa.Connection, phone: str, source: str) -> dict[str, Any] | None:
    found = store.blocked(connection, days.now(), phone=phone, source=source, with_expired=True)
    if not found:
        return None
    return {"source": source, "expires_at": found[0].expires_at.isoformat() if found[0].expires_at else None}


def _subject(phone: str) -> str:
    return f"do_not_call:{mask_phone(phone)}"
