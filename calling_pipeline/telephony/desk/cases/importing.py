"""Imports cases from a CSV or from lines pasted out of a sheet; every row gets its verdict, a bad row spoils no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits
from calling_pipeline.pasted_tables import heads_of, read_table
from calling_pipeline.telephony.desk.cases import cases, store
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline.telephony.records import ImportResult, ImportRow
from calling_pipeline.telephony.tenants.collectors import ID_HEADS

MOST_ROWS = 20_000
_HEADS: Mapping[str, str] = {
    **ID_HEADS,
    "客户": "customer_name",
    "客户姓名": "customer_name",
    "姓名": "customer_name",
    "电话": "phone",
    "手机号": "phone",
    "备注": "note",
}
"""Heads of columns as Chinese sheets write them → the names that are read."""
_ORDER = ("collector_id", "customer_name", "phone", "note")
"""The columns of lines without a head."""


def bulk_import(
    connection: sa.Connection, box: SecretBox, phone_keys: Sequence[bytes], tenant_id: int, text: str, *, who: str
) -> list[ImportRow]:
    """Add the cases of `text` to the collectors' lists in their order; one verdict per row.

    The first line may name the columns, in English or Chinese; without names they are collector_id, customer_name, phone
    and note. Commas, semicolons or tabs stand between them. Raises `InvalidInput` for a text that is empty, too long, or
    names no collector and phone.
    """
    rows = _read(text)
    known = frozenset(store.active_collectors(connection, tenant_id))
    place = store.last_place(connection, tenant_id)
    results, seen = [], set[tuple[str, bytes]]()
    for number, cells in enumerate(rows, start=1):
        one = _imported(connection, box, phone_keys, tenant_id, number, cells, known, seen, place + number, who)
        results.append(one)
    after = dict(Counter(str(row.result) for row in results))
    note_act(connection, "case.import", f"tenant:{tenant_id}", by=who, tenant_id=tenant_id, after=after)
    return results


def _imported(
    connection: sa.Connection,
    box: SecretBox,
    phone_keys: Sequence[bytes],
    tenant_id: int,
    number: int,
    cells: Mapping[str, str],
    known: Collection[int],
    seen: set[tuple[str, bytes]],
    place: int,
    who: str,
) -> ImportRow:
    collector, shown = cells.get("collector_id", ""), mask_digits(cells.get("phone", ""))[:40]
    if not (collector.isascii() and collector.isdigit() and len(collector) < 19 and int(collector) in known):
        return ImportRow(number, shown, "invalid", "the tenant has no such active collector")
    new = NewCase(int(collector), cells.get("phone", ""), cells.get("customer_name", ""), cells.get("note", ""))
    try:
        values = cases.columns_of(box, phone_keys, tenant_id, new, source="import", place=place, who=who)
        key = (collector, values["phone_hash"])
        result: ImportResult = "duplicate_in_file"
        if key not in seen:
            result = "already_there" if cases.keep(connection, values, phone_keys, new) is None else "imported"
    except InvalidInput as error:
        return ImportRow(number, shown, "invalid", str(error))
    seen.add(key)
    return ImportRow(number, values["phone_masked"], result)


def _read(text: str) -> list[dict[str, str]]:
    rows = read_table(text)
    if not rows:
        raise InvalidInput("there is no line to import", field="text")
    if len(rows) > MOST_ROWS + 1:
        raise InvalidInput(f"at most {MOST_ROWS} rows are imported at once", field="text")
    head = [name if name in _ORDER else "" for name in heads_of(rows[0], _HEADS)]
    if any(head):
        if not {"collector_id", "phone"} <= set(head):
            raise InvalidInput("the columns collector_id and phone are needed (and customer_name, note)", field="text")
        rows = rows[1:]
    else:
        head = list(_ORDER)
    return [_named(head, row) for row in rows]


def _named(head: list[str], row: list[str]) -> dict[str, Any]:
    return {name: cell for name, cell in zip(head, row, strict=False) if name}
