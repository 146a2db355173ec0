"""Calls that collectors made with the old system: closed records, with the number masked and its keyed hash."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.contact_policy.erased.entering import Entrance
from calling_pipeline.masking import mask_digits, mask_phone, phone_hash
from calling_pipeline.phones import read_phone
from calling_pipeline.takeover import values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.mapping import Section
from calling_pipeline.takeover.parts.telephony import config_ids, config_of
from calling_pipeline.takeover.records import Counts, Fields, Row
from calling_pipeline.telephony.calls.store_past import PastCall, take_past_calls


def take(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take calls that have a configuration here. One of which the old system does not say how it ended is unknown."""
    counts.rows_read += len(rows)
    configs, entrance = config_ids(job, connection), Entrance(connection)
    wanted: dict[str, PastCall] = {}
    for row in rows:
        call = _call(job, connection, section, section.fields(row), configs, counts, entrance)
        if call is None:
            continue
        if wanted.setdefault(call.reference, call) is not call:
            counts.refuse("repeated")
    taken = take_past_calls(connection, list(wanted.values()))
    counts.taken += taken
    counts.already_there += len(wanted) - taken


def _call(
    job: Job,
    connection: sa.Connection,
    section: Section,
    fields: Fields,
    configs: Mapping[str, int],
    counts: Counts,
    entrance: Entrance,
) -> PastCall | None:
    phone, at = read_phone(values.text(fields.get("phone"))), values.moment(fields.get("started_at"))
    config_id, collector = config_of(connection, configs, fields), values.whole(fields.get("collector"))
    wrong = {
        "no_configuration": config_id is None,
        phone.kind: phone.phone is None,
        "no_time": at is None,
        "no_collector": not collector,
    }
    reason = next((name for name, is_so in wrong.items() if is_so), None)
    if reason is not None or phone.phone is None or at is None or config_id is None or not collector:
        counts.refuse(reason or "no_configuration")
        return None
    at, duration = min(at, days.now()), values.whole(fields.get("duration"))
    if values.text(fields.get("recording")):
        counts.note("recording_stays_with_the_vendor")
    state = _state(fields, duration, job.mapped.words("truth", "false_words"))
    if state == "unknown":
        counts.note("outcome_not_known", mask_phone(phone.phone))
    token = entrance.token(phone.phone)
    if token:
        counts.note("erased")
    return PastCall(
        reference=_reference(job, fields, at),
        config_id=config_id,
        collector_id=collector,
        extension_number=(values.text(fields.get("extension")) or "")[:32],
        case_id="" if token else values.text(fields.get("case")) or "",
        customer_id="" if token else values.text(fields.get("customer")) or "",
        destination_masked="" if token else mask_phone(phone.phone),
        destination_hash=phone_hash(job.runtime.phone_key, token or phone.phone),
        state=state,
        call_uuid=values.text(fields.get("call_uuid")),
        started_at=at,
        closed_at=min(at + dt.timedelta(seconds=min(duration or 0, 86_400)), days.now()),
        duration_s=duration if duration is None else min(duration, 2**31 - 1),
        contact_result=values.text(fields.get("result")),
        remark=None if token else mask_digits(values.text(fields.get("remark")) or "") or None,
    )


def _state(fields: Fields, duration: int | None, false_words: Sequence[str]) -> str:
    said: Any = fields.get("connected")
    if values.text(said) is None:
        return "connected" if duration else "unknown"
    return "connected" if values.is_true(said, false_words) else "not_connected"


def _reference(job: Job, fields: Fields, at: dt.datetime) -> str:
    """The same row has the same reference, so that it is taken once."""
    own = values.text(fields.get("id")) or values.text(fields.get("call_uuid")) or at.isoformat()
    whose = (values.text(fields.get("tenant")), values.text(fields.get("collector")), job.source.name)
    return "old-" + hashlib.sha256("\x1f".join(str(part) for part in (own, *whose)).encode()).hexdigest()[:32]


WORK = Work("communication", ("communication",), take)
