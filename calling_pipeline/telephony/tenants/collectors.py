"""Collectors: the people who call.

Their callback number says, for people, on which phone a collector sits. MakeCall has no field for it, and Infinity names
none: what rings is the number that is bound to the extension at Infinity.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.errors import violated_constraint
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.masking import mask_digits, mask_phone
from calling_pipeline.pasted_tables import heads_of, read_table
from calling_pipeline.telephony.records import Collector, ImportRow
from calling_pipeline.telephony.tenants import numbers
from calling_pipeline.telephony.tenants import store as tenant_store

LARGEST_IMPORT = 10_000
ID_HEADS: Mapping[str, str] = dict.fromkeys(("催员", "催员编号", "催收员", "催收员编号", "工号"), "collector_id")
"""Heads of the column that names collectors, as Chinese sheets write them → its name."""
_HEADS: Mapping[str, str] = {**ID_HEADS, "姓名": "name", "回拨号码": "callback_number"}


def create(
    connection: sa.Connection,
    box: SecretBox,
    tenant_id: int,
    collector_id: int,
    *,
    name: str,
    callback_number: str,
    who: str,
) -> Collector:
    """Add a collector; `Conflict` when the id is taken within the tenant."""
    now = days.now()
    columns = {
        "tenant_id": tenant_id,
        "id": collector_id,
        "name": _name(name),
        "created_at": now,
        "updated_at": now,
        **_number(box, tenant_id, collector_id, callback_number),
    }
    try:
        with connection.begin_nested():
            tenant_store.add_collector(connection, columns)
    except IntegrityError as error:
        if violated_constraint(error) != tenant_store.COLLECTOR_KEY:
            raise
        raise _taken() from error
    made = find(connection, tenant_id, collector_id)
    _note(connection, who, "collector.create", None, made)
    return made


def bulk_import(
    connection: sa.Connection, box: SecretBox, tenant_id: int, text: str, *, who: str, dry_run: bool = False
) -> list[ImportRow]:
    """Import a CSV with the columns collector_id, name and callback_number; every row gets its result.

    A bad row spoils no other; a dry run gives the same results and changes nothing. Raises `InvalidInput` for a text
    without these columns, or of more than `LARGEST_IMPORT` rows. `ImportRow.number` is the collector's.
    """
    heads, *rows = read_table(text) or [[]]
    names = heads_of(heads, _HEADS)
    if not {"collector_id", "callback_number"} <= set(names):
        raise InvalidInput("the CSV needs the columns collector_id and callback_number (and name)", field="csv")
    if len(rows) > LARGEST_IMPORT:
        raise InvalidInput(f"one import takes at most {LARGEST_IMPORT} rows", field="csv")
    results, seen = [], set[str]()
    for row, given in enumerate(rows, start=1):
        cells = dict(zip(names, given, strict=False))
        number = cells.get("collector_id", "")
        results.append(_imported(connection, box, tenant_id, row, cells, seen, None if dry_run else who))
        seen.add(number)
    return results


def _imported(
    connection: sa.Connection,
    box: SecretBox,
    tenant_id: int,
    row: int,
    cells: Mapping[str, str],
    seen: Collection[str],
    who: str | None,
) -> ImportRow:
    """The result of one row. Without `who` nothing is written."""
    number = cells.get("collector_id", "")
    shown = mask_digits(number)[:40]
    if number in seen:
        return ImportRow(row, shown, "duplicate_in_file")
    if not (number.isascii() and number.isdigit() and 0 < int(number[:20]) < 2**63):
        return ImportRow(row, shown, "invalid", "collector_id must be a positive number")
    name, phone = cells.get("name", ""), cells.get("callback_number", "")
    try:
        if who is not None:
            create(connection, box, tenant_id, int(number), name=name, callback_number=phone, who=who)
        else:
            _would_create(connection, tenant_id, int(number), name, phone)
    except Conflict:
        return ImportRow(row, shown, "already_there")
    except InvalidInput as error:
        return ImportRow(row, shown, "invalid", str(error))
    return ImportRow(row, shown, "imported")


def _would_create(connection: sa.Connection, tenant_id: int, collector_id: int, name: str, phone: str) -> None:
    """What `create` raises, without creating."""
    _name(name)
    numbers.international_number(phone)
    if tenant_store.collector(connection, tenant_id, collector_id) is not None:
        raise _taken()


def _taken() -> Conflict:
    return Conflict("this tenant has a collector of that id already")


def change(
    connection: sa.Connection,
    box: SecretBox,
    tenant_id: int,
    collector_id: int,
    *,
    name: str | None,
    callback_number: str | None,
    active: bool | None,
    who: str,
) -> Collector:
    """Change what is not None; `NotFound`."""
    before = find(connection, tenant_id, collector_id)
    columns: dict[str, Any] = {"updated_at": days.now()}
    if name is not None:
        columns["name"] = _name(name)
    if callback_number is not None:
        columns |= _number(box, tenant_id, collector_id, callback_number)
    if active is not None:
        columns["active"] = active
    tenant_store.change_collector(connection, tenant_id, collector_id, columns)
    after = find(connection, tenant_id, collector_id)
    _note(connection, who, "collector.change", before, after)
    return after


def delete(connection: sa.Connection, tenant_id: int, collector_id: int, *, reason: str = "", who: str) -> None:
    """Remove a collector; raises `Conflict` while they hold an extension."""
    row = tenant_store.collector(connection, tenant_id, collector_id, lock=True)
    if row is None:
        raise NotFound("there is no such collector")
    if tenant_store.holds_extension(connection, tenant_id, collector_id):
        raise Conflict("this collector holds an extension; release it first")
    tenant_store.remove_collector(connection, tenant_id, collector_id)
    _note(connection, who, "collector.delete", _shown(row), None, reason)


def find(connection: sa.Connection, tenant_id: int, collector_id: int) -> Collector:
    """One collector, the number masked. Raises `NotFound`."""
    row = tenant_store.collector(connection, tenant_id, collector_id)
    if row is None:
        raise NotFound("there is no such collector")
    return _shown(row)


def page(
    connection: sa.Connection, *, tenant_id: int | None, active: bool | None, limit: int, offset: int
) -> tuple[list[Collector], int]:
    """Collectors, numbers masked, and how many there are."""
    rows, total = tenant_store.collectors_page(connection, tenant_id=tenant_id, active=active, limit=limit, offset=offset)
    return [_shown(row) for row in rows], total


def owner_of_number(tenant_id: int, collector_id: int) -> str:
    """For whom a collector's number is sealed."""
    return f"tenant:{tenant_id}:collectors:{collector_id}:callback_number"


def _number(box: SecretBox, tenant_id: int, collector_id: int, text: str) -> dict[str, Any]:
    number = numbers.international_number(text)
    owner = owner_of_number(tenant_id, collector_id)
    return {"callback_number_sealed": box.seal(number, owner=owner), "callback_number_masked": mask_phone(number)}


def _name(text: str) -> str:
    plain = text.strip()
    if len(plain) > 100 or not plain.isprintable():
        raise InvalidInput("name has at most 100 printable characters", field="name")
    return plain


def _shown(row: tenant_store.Row) -> Collector:
    known = {name: row._mapping[name] for name in Collector.__dataclass_fields__ if name != "callback_number"}
    return Collector(callback_number=row.callback_number_masked, **known)


def _note(
    connection: sa.Connection, who: str, action: str, before: Collector | None, after: Collector | None, reason: str = ""
) -> None:
    subject = after or before
    assert subject is not None
    was, became = _facts(before), _facts(after)
    about, tenant = f"collector:{subject.id}", subject.tenant_id
    note_act(connection, action, about, by=who, reason=reason, tenant_id=tenant, before=was, after=became)


def _facts(collector: Collector | None) -> dict[str, Any] | None:
    if collector is None:
        return None
    return {"name": collector.name, "callback_number": collector.callback_number, "active": collector.active}
