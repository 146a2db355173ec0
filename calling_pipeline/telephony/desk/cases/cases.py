"""Collectors' cases: whom each of them is to call. A case is typed by hand or imported; its phone is kept encrypted."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.contact_policy.erased import entering
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.telephony.desk.cases import store
from calling_pipeline.telephony.desk.cases.records import RESULTS, CallResult, Case, NewCase
from calling_pipeline.telephony.tenants import numbers

LONGEST_NAME = 100
LONGEST_NOTE = 1000


def columns_of(
    box: SecretBox,
    phone_keys: Sequence[bytes],
    tenant_id: int,
    new: NewCase,
    *,
    source: Literal["import", "typed"],
    place: int,
    who: str,
) -> dict[str, Any]:
    """The columns of a case that is to be added. Raises `InvalidInput`, which names the field and never the number."""
    phone, now, reference = numbers.customer_number(new.phone), days.now(), uuid.uuid4().hex
    return {
        "reference": reference,
        "tenant_id": tenant_id,
        "collector_id": new.collector_id,
        "customer_name": _text(new.customer_name, "customer_name", LONGEST_NAME),
        "phone_sealed": box.seal(phone, owner=owner_of(tenant_id, reference)),
        "phone_masked": mask_phone(phone),
        "phone_hash": phone_hash(phone_keys[0], phone),
        "note": _text(new.note, "note", LONGEST_NOTE),
        "source": source,
        "place": place,
        "created_at": now,
        "created_by": who,
        "updated_at": now,
    }


def add(
    connection: sa.Connection, box: SecretBox, phone_keys: Sequence[bytes], tenant_id: int, new: NewCase, *, who: str
) -> Case:
    """Add a case typed by hand, at the end of the collector's list. `phone_keys`: the one in use, and the one before.

    Raises `InvalidInput`, also for a number that was erased, `NotFound` for an unknown collector, and `Conflict` when the
    collector has an open case with that number.
    """
    if new.collector_id not in store.active_collectors(connection, tenant_id):
        raise NotFound("there is no such active collector")
    place = store.last_place(connection, tenant_id) + 1
    values = columns_of(box, phone_keys, tenant_id, new, source="typed", place=place, who=who)
    case_id = keep(connection, values, phone_keys, new)
    if case_id is None:
        raise Conflict("this collector has an open case with that number already")
    after = {"collector": new.collector_id, "phone": values["phone_masked"]}
    note_act(connection, "case.add", f"case:{case_id}", by=who, tenant_id=tenant_id, after=after)
    return find(connection, case_id)


def keep(connection: sa.Connection, values: dict[str, Any], phone_keys: Sequence[bytes], new: NewCase) -> int | None:
    """Keep a case; its id, or None when the collector has an open one with that number, hashed with whichever key.

    Raises `InvalidInput` when the number was erased: it is not stored again.
    """
    phone = numbers.customer_number(new.phone)
    entering.refuse(connection, phone)
    before = [phone_hash(key, phone) for key in phone_keys[1:]]
    if before and store.open_with(connection, values["tenant_id"], new.collector_id, before) is not None:
        return None
    return store.add(connection, values)


def find_or_add(
    connection: sa.Connection, box: SecretBox, phone_keys: Sequence[bytes], tenant_id: int, new: NewCase, *, who: str
) -> Case:
    """The collector's open case with that number, else a new one. Raises `InvalidInput` and `NotFound`."""
    phone = numbers.customer_number(new.phone)
    hashes = [phone_hash(key, phone) for key in phone_keys]
    known = store.open_with(connection, tenant_id, new.collector_id, hashes)
    return find(connection, known) if known is not None else add(connection, box, phone_keys, tenant_id, new, who=who)


def find(connection: sa.Connection, case_id: int) -> Case:
    """One case. Raises `NotFound`."""
    found = store.find(connection, case_id)
    if found is None:
        raise NotFound("there is no such case")
    return found


def phone_of(connection: sa.Connection, box: SecretBox, case: Case) -> str:
    """The full number of a case, for a call. Raises `SecretUnreadable`."""
    reference, sealed = store.sealed_phone(connection, case.id)
    return box.open(sealed, owner=owner_of(case.tenant_id, reference))


def conclude(
    connection: sa.Connection,
    case: Case,
    *,
    result: CallResult,
    remark: str,
    done: bool | None,
    next_call_at: dt.datetime | None,
    who: str,
) -> Case:
    """Keep what came of a case's call. `done` None: as is usual for the result. Raises `InvalidInput`."""
    if result not in RESULTS:
        raise InvalidInput(f"result is one of {', '.join(RESULTS)}", field="result")
    ends = RESULTS[result] if done is None else done
    now = days.now()
    if next_call_at is not None and ends:
        raise InvalidInput("a case that is done is not called again: leave the next call empty", field="next_call_at")
    if next_call_at is not None and not now < next_call_at < now + dt.timedelta(days=366):
        raise InvalidInput("the next call lies within a year from now", field="next_call_at")
    values: dict[str, Any] = {
        "result": result,
        "remark": _text(remark, "remark", LONGEST_NOTE),
        "next_call_at": next_call_at,
        "updated_at": now,
        "state": "done" if ends else "open",
        "done_at": now if ends else None,
    }
    store.change(connection, case.id, values)
    before = {"state": case.state, "result": case.result}
    after = {"state": values["state"], "result": result, "next_call_at": next_call_at and next_call_at.isoformat()}
    note_act(connection, "case.conclude", f"case:{case.id}", by=who, tenant_id=case.tenant_id, before=before, after=after)
    return find(connection, case.id)


def _text(text: str, field: str, longest: int) -> str:
    plain = " ".join(text.split()) if field != "remark" else text.strip()
    printable = all(character.isprintable() or character in "\n\r\t" for character in plain)
    if len(plain) > longest or not printable:
        raise InvalidInput(f"{field} has at most {longest} printable characters", field=field)
    return plain


def owner_of(tenant_id: int, reference: str) -> str:
    """For whom the number of a case is sealed."""
    return f"tenant:{tenant_id}:collector_cases:{reference}:phone"
