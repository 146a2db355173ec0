"""The extension pool as operators change it. Allocation is in `allocation.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database import locks
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.pasted_tables import heads_of, read_table
from calling_pipeline.telephony.pool import store as pool_store
from calling_pipeline.telephony.records import Extension, ImportRow
from calling_pipeline.telephony.tenants import numbers
from calling_pipeline.telephony.tenants import store as tenant_store

LARGEST_IMPORT = 100_000
_CHUNK = 5_000
_HEADS: Mapping[str, str] = {"分机": "number", "分机号": "number", "备注": "label"}
"""Heads of columns as Chinese sheets write them → the names that are read."""


def add(connection: sa.Connection, config_id: int, number: str, label: str, *, who: str) -> Extension:
    """Add one extension; `Conflict` when it is there already."""
    config = _config(connection, config_id)
    wanted = numbers.extension_number(number)
    made = pool_store.add(connection, config_id, [wanted], [_label(label)], days.now())
    if not made:
        raise Conflict(f"extension {wanted} is in this configuration's pool already")
    _note(connection, who, config.tenant_id, "extension.add", f"extension:{made[wanted]}", None, {"number": wanted})
    return find(connection, made[wanted])


def bulk_import(
    connection: sa.Connection, config_id: int, rows: Iterable[tuple[str, str]], *, who: str, dry_run: bool = False
) -> list[ImportRow]:
    """Import rows of (number, label); every row gets its result, and a bad row spoils no other.

    A dry run gives the same results and changes nothing. Raises `NotFound`, and `InvalidInput` for too many rows.
    """
    config = _config(connection, config_id)
    results: list[ImportRow] = []
    fresh: dict[str, tuple[int, str]] = {}
    for row, (number, label) in enumerate(rows, start=1):
        if row > LARGEST_IMPORT:
            raise InvalidInput(f"one import takes at most {LARGEST_IMPORT} rows", field="rows")
        results.append(_judged(row, number, label, fresh))
    if dry_run:
        made = fresh.keys() - pool_store.present(connection, config_id, list(fresh))
    else:
        made = _added(connection, config_id, fresh)
    finished = [
        ImportRow(result.row, result.number, "already_there")
        if result.result == "imported" and result.number not in made
        else result
        for result in results
    ]
    if not dry_run:
        _note(connection, who, config.tenant_id, "extension.import", f"config:{config_id}", None, counts(finished))
    return finished


def counts(rows: Iterable[ImportRow]) -> dict[str, int]:
    """How many rows of an import had which result."""
    totals = {"imported": 0, "duplicate_in_file": 0, "already_there": 0, "invalid": 0}
    for row in rows:
        totals[row.result] += 1
    return totals


def read_csv(text: str) -> Iterator[tuple[str, str]]:
    """Rows of (number, label) of a CSV with a header naming `number` (and `label`), or of bare numbers, one a line."""
    rows = read_table(text)
    if not rows:
        return
    header = heads_of(rows[0], _HEADS)
    if "number" in header:
        place, label = header.index("number"), header.index("label") if "label" in header else None
        rows = rows[1:]
    else:
        place, label = 0, 1
    for row in rows:
        yield (
            row[place] if place < len(row) else "",
            row[label] if label is not None and label < len(row) else "",
        )


def set_state(
    connection: sa.Connection, extension_id: int, state: Literal["available", "offline"], *, reason: str, who: str
) -> Extension:
    """Take an extension offline (after its call, if it is in use) or bring it back."""
    before = find(connection, extension_id, lock=True)
    if state == "offline":
        pool_store.take_offline(connection, extension_id, _label(reason, "reason") or "by an operator")
    else:
        pool_store.bring_online(connection, extension_id)
    after = find(connection, extension_id)
    note(connection, who, f"extension.{state}", before=before, after=after, reason=reason)
    return after


def delete(connection: sa.Connection, extension_id: int, *, reason: str = "", who: str) -> None:
    """Remove an extension; `Conflict` while it is in use."""
    before = find(connection, extension_id, lock=True)
    if not pool_store.remove(connection, extension_id):
        raise Conflict(f"extension {before.number} is in use; release it first, or take it offline and wait")
    note(connection, who, "extension.delete", before=before, after=None, reason=reason)


def find(connection: sa.Connection, extension_id: int, *, lock: bool = False) -> Extension:
    """One extension; `NotFound`."""
    found = pool_store.find(connection, extension_id, lock=lock)
    if found is None:
        raise NotFound("there is no such extension")
    return found


def note(
    connection: sa.Connection, who: str, action: str, *, before: Extension, after: Extension | None, reason: str = ""
) -> None:
    """Append a change of one extension to the audit log."""
    changed = _facts(after) if after else None
    _note(connection, who, before.tenant_id, action, f"extension:{before.id}", _facts(before), changed, reason)


def _added(connection: sa.Connection, config_id: int, fresh: Mapping[str, tuple[int, str]]) -> set[str]:
    """The numbers that were not in the pool and are now."""
    locks.hold(connection, "extension import", config_id)
    made: set[str] = set()
    names = list(fresh)
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        made |= set(pool_store.add(connection, config_id, chunk, [fresh[name][1] for name in chunk], days.now()))
    return made


def _config(connection: sa.Connection, config_id: int) -> tenant_store.Row:
    row = tenant_store.config(connection, config_id)
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    return row


def _judged(row: int, number: str, label: str, fresh: dict[str, tuple[int, str]]) -> ImportRow:
    """The verdict on one row before the database has its say; new numbers are put into `fresh`."""
    try:
        wanted, name = numbers.extension_number(number), _label(label)
    except InvalidInput as error:
        return ImportRow(row, number.strip()[:40], "invalid", str(error))
    if wanted in fresh:
        return ImportRow(row, wanted, "duplicate_in_file", f"the same as row {fresh[wanted][0]}")
    fresh[wanted] = (row, name)
    return ImportRow(row, wanted, "imported")


def _label(text: str, field: str = "label") -> str:
    plain = text.strip()
    if len(plain) > 100 or not plain.isprintable():
        raise InvalidInput(f"a {field} has at most 100 printable characters", field=field)
    return plain


def _facts(extension: Extension) -> dict[str, Any]:
    return {
        name: getattr(extension, name) for name in ("number", "state", "holder", "draining", "offline_reason", "failures")
    }


def _note(
    connection: sa.Connection,
    who: str,
    tenant_id: int,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str = "",
) -> None:
    note_act(connection, action, subject, by=who, reason=reason, tenant_id=tenant_id, before=before, after=after)
