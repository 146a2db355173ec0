"""SQL of communication records and callbacks. What ends a call and what releases its extension is one statement.

Functions take a connection and never commit; those with an `AsyncDriver` run one statement in autocommit mode.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypedDict

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.sql import load, load_driver, statement_of
from calling_pipeline.telephony.calls.tables import communication_records, line_questions
from calling_pipeline.telephony.pool.store import Verdict, extend_lease
from calling_pipeline.telephony.records import CallState, CommunicationRecord, StaleCall
from calling_pipeline.vendors.infinity.callbacks import CallReport

OPEN_COLLECTOR = "uq_communication_records_open_collector"

_RELEASE = statement_of("telephony/pool/release", source="settled")
_CALLBACKS_OF_RECORD = f"AND k.id IN ({statement_of('telephony/calls/callbacks_of_record')})"
_CALLBACKS_OF_CALL = "AND k.config_id = :config_id AND k.call_uuid = :call_uuid"
_TAKE_QUESTION_TURN = load("telephony/calls/take_question_turn")
_CLAIM_QUESTIONS = load("telephony/calls/claim_questions")
_ANSWERED = load("telephony/calls/answered")
_FAILED = load("telephony/calls/failed", release=_RELEASE)
_CLOSE = load("telephony/calls/close", release=_RELEASE)
_STALE = load("telephony/calls/stale")
_MATCH_ALL = load("telephony/calls/match_callbacks", only="", release=_RELEASE)
_MATCH_RECORD = load("telephony/calls/match_callbacks", only=_CALLBACKS_OF_RECORD, release=_RELEASE)
_MATCH_CALL = load_driver("telephony/calls/match_callbacks", only=_CALLBACKS_OF_CALL, release=_RELEASE)
_KEEP_CALLBACK = load_driver("telephony/calls/keep_callback", release=_RELEASE)
_CALLBACK_SECRETS = load_driver("telephony/calls/callback_secrets")

_TURN = line_questions.c
_LONGEST_TURN = dt.timedelta(minutes=1)
_record = communication_records.c
_RECORDS = sa.select(
    _record.id,
    _record.reference,
    _record.tenant_id,
    _record.config_id,
    _record.collector_id,
    _record.extension_id,
    _record.extension_number,
    _record.case_id,
    _record.customer_id,
    _record.destination_masked,
    _record.caller_number,
    _record.state,
    _record.call_uuid,
    _record.started_at,
    _record.called_at,
    _record.closed_at,
    _record.settled_at,
    _record.settled_by,
    _record.duration_s,
    _record.contact_result,
    _record.remark,
    _record.failure_code,
    _record.failure,
    _record.recording_url,
    _record.billed_at,
)
"""Rows of `CommunicationRecord`."""
_UNDER_REFERENCE = sa.select(
    _record.id, _record.extension_id, _record.extension_number, _record.fence, _record.config_id, _record.caller_number
)
_OPEN_OF_COLLECTOR = sa.select(
    _record.id, _record.state, _record.call_uuid, _record.extension_number, _record.destination_hash
).where(
    _record.tenant_id == sa.bindparam("tenant"),
    _record.collector_id == sa.bindparam("collector"),
    _record.closed_at.is_(None),
)


class AsyncDriver(Protocol):
    """What a callback needs of psycopg's asynchronous connection, in autocommit mode."""

    async def execute(self, query: str, params: Mapping[str, object]) -> Any:
        """Run one statement."""


class NewRecord(TypedDict):
    """The columns of a communication record when its call is opened."""

    reference: str
    tenant_id: int
    config_id: int
    collector_id: int
    extension_id: int
    extension_number: str
    fence: int
    case_id: str
    customer_id: str
    destination_masked: str
    destination_hash: bytes
    caller_number: str | None
    started_at: dt.datetime
    deadline: dt.datetime
    trace: str | None


class OpenCall(NamedTuple):
    """A collector's open call."""

    id: int
    state: CallState
    call_uuid: str | None
    extension_number: str
    destination_hash: bytes


class QuestionRules(NamedTuple):
    """Which calls may be asked about; seconds, and how many at once. `sql/claim_questions.sql` explains them."""

    youngest_s: float
    answer_s: float
    again_s: float
    most: int


class CallbackSecret(NamedTuple):
    """The sealed callback secrets of one configuration; `previous` only while a rotation lasts."""

    config_id: int
    tenant_id: int
    current: bytes
    previous: bytes | None


class KeptCallback(NamedTuple):
    """What became of a callback: how often the same body came before, its call if known, whether it settled it."""

    repeats: int
    record_id: int | None
    settled: bool


def open_record(connection: sa.Connection, values: NewRecord) -> int:
    """Insert a record in the state `initiating`; its id."""
    insert = communication_records.insert().values(state="initiating", **values).returning(_record.id)
    return int(connection.execute(insert).scalar_one())


async def trace_of(driver: AsyncDriver, record_id: int) -> str | None:
    """The context of the trace that a call belongs to."""
    cursor = await driver.execute("SELECT trace FROM communication_records WHERE id = %(id)s", {"id": record_id})
    ((trace,),) = await cursor.fetchall()
    return str(trace) if trace else None


def opened_under(connection: sa.Connection, reference: str) -> sa.Row[int, int, str, int, int, str | None] | None:
    """What MakeCall needs of the record `reference`: id, extension_id, extension_number, fence, config_id, caller_number."""
    return connection.execute(_UNDER_REFERENCE.where(_record.reference == reference)).one_or_none()


def answered(
    connection: sa.Connection, record_id: int, call_uuid: str, now: dt.datetime, deadline: dt.datetime
) -> str | None:
    """Infinity accepted the call: `initiating` becomes `ringing`; the state the call has now."""
    values = {"record_id": record_id, "call_uuid": call_uuid, "now": now, "deadline": deadline}
    row = connection.execute(_ANSWERED, values).one_or_none()
    return None if row is None else str(row.state)


def doubtful(connection: sa.Connection, record_id: int, failure: str) -> None:
    """Nobody knows whether the call was made: `initiating` becomes `unknown`, the extension stays held."""
    initiating = sa.and_(_record.id == record_id, _record.state == "initiating")
    connection.execute(communication_records.update().where(initiating).values(state="unknown", failure=failure))


def failed(
    connection: sa.Connection,
    record_id: int,
    *,
    code: str,
    failure: str,
    verdict: Verdict,
    now: dt.datetime,
) -> bool:
    """The call was certainly not made: the record is final, the extension released. False if something settled it before.

    `verdict` is what the failure says about the extension; see `pool/sql/release.sql`.
    """
    values = {"record_id": record_id, "code": code, "failure": failure, "verdict": verdict, "now": now}
    return bool(connection.execute(_FAILED, values).scalar_one())


def find(connection: sa.Connection, record_id: int) -> CommunicationRecord | None:
    """One record as shown."""
    row = connection.execute(_RECORDS.where(_record.id == record_id)).one_or_none()
    return CommunicationRecord(**row._mapping) if row else None


def page(
    connection: sa.Connection,
    *,
    tenant_id: int | None = None,
    collector_id: int | None = None,
    state: str | None = None,
    case_id: str | None = None,
    open_only: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[CommunicationRecord], int]:
    """Records by filter, the newest first, and how many there are."""
    wanted = (
        (_record.tenant_id, tenant_id),
        (_record.collector_id, collector_id),
        (_record.state, state),
        (_record.case_id, case_id),
    )
    conditions = [column == value for column, value in wanted if value is not None]
    if open_only:
        conditions.append(_record.closed_at.is_(None))
    count = sa.select(sa.func.count()).select_from(communication_records).where(*conditions)
    rows = connection.execute(_RECORDS.where(*conditions).order_by(_record.id.desc()).limit(limit).offset(offset))
    return [CommunicationRecord(**row._mapping) for row in rows], connection.execute(count).scalar_one()


def of_destination(
    connection: sa.Connection, destination_hash: bytes, *, tenant_id: int | None = None, limit: int = 100
) -> list[CommunicationRecord]:
    """Records of calls to one number, the newest first; `destination_hash` is its `masking.phone_hash`."""
    wanted = [_record.destination_hash == destination_hash]
    if tenant_id is not None:
        wanted.append(_record.tenant_id == tenant_id)
    newest = _RECORDS.where(*wanted).order_by(_record.id.desc()).limit(limit)
    return [CommunicationRecord(**row._mapping) for row in connection.execute(newest)]


def open_of_collector(connection: sa.Connection, tenant_id: int, collector_id: int) -> OpenCall | None:
    """The collector's open call."""
    row = connection.execute(_OPEN_OF_COLLECTOR, {"tenant": tenant_id, "collector": collector_id}).one_or_none()
    return None if row is None else OpenCall(**row._mapping)


def match_callbacks(connection: sa.Connection, now: dt.datetime, *, record_id: int | None = None) -> int:
    """Apply callbacks that came before their call was known, to one record or to all; how many found their call."""
    match = _MATCH_ALL if record_id is None else _MATCH_RECORD
    return int(connection.execute(match, {"now": now, "record_id": record_id}).scalar_one())


def stale(connection: sa.Connection, now: dt.datetime, limit: int) -> list[StaleCall]:
    """Open calls, and extensions held without one, that outlived their deadline or the usual length; the oldest first."""
    return [StaleCall(**row._mapping) for row in connection.execute(_STALE, {"now": now, "limit": limit})]


def claim_stale(connection: sa.Connection, call: StaleCall, until: dt.datetime) -> bool:
    """Move the deadline to `until`, so that one sweep alone asks about this call; False when another sweep did."""
    if call.record_id is None:
        return extend_lease(connection, call.extension_id, call.fence, lease_until=call.deadline, until=until)
    due = sa.and_(_record.id == call.record_id, _record.closed_at.is_(None), _record.deadline == call.deadline)
    claim = communication_records.update().where(due).values(deadline=until, asked_at=days.now())
    return connection.execute(claim).rowcount == 1


def take_question_turn(connection: sa.Connection, config_id: int, now: dt.datetime, until: dt.datetime) -> bool:
    """Let this process alone ask about the configuration's lines until `until`; False while another one may."""
    asking = sa.select(_TURN.until.between(now, now + _LONGEST_TURN)).where(_TURN.config_id == config_id)
    if connection.execute(asking).scalar_one_or_none():
        return False  # read before it is written: many clicks at once find that somebody else asks
    values = {"config_id": config_id, "now": now, "until": until}
    return connection.execute(_TAKE_QUESTION_TURN, values).one_or_none() is not None


def end_question_turn(connection: sa.Connection, config_id: int, until: dt.datetime) -> None:
    """The next one may ask from `until` on."""
    connection.execute(line_questions.update().where(_TURN.config_id == config_id).values(until=until))


def claim_questions(
    connection: sa.Connection, config_id: int, now: dt.datetime, rules: QuestionRules, *, first: int | None
) -> list[StaleCall]:
    """The open calls to ask about now, noted as asked; `sql/claim_questions.sql` says which."""
    values = {"config_id": config_id, "now": now, "first": first, **rules._asdict()}
    return [StaleCall(**row._mapping) for row in connection.execute(_CLAIM_QUESTIONS, values)]


def close(connection: sa.Connection, extension_id: int, fence: int, now: dt.datetime) -> bool:
    """Release an extension whose line is idle, or by hand; its open call, if any, becomes `unknown` unless it is final."""
    values = {"extension_id": extension_id, "fence": fence, "now": now}
    return bool(connection.execute(_CLOSE, values).scalar_one())


def last_vendor_answer(connection: sa.Connection) -> dt.datetime | None:
    """When Infinity last answered MakeCall; None before the first answer."""
    query = sa.select(_record.called_at).where(_record.called_at.is_not(None)).order_by(_record.id.desc())
    return connection.execute(query.limit(1)).scalar_one_or_none()


async def callback_secrets(driver: AsyncDriver, *, call_uuid: str, now: dt.datetime) -> list[CallbackSecret]:
    """Sealed callback secrets: of the configuration that made the call, or of every one when the call is not known."""
    cursor = await driver.execute(_CALLBACK_SECRETS, {"call_uuid": call_uuid, "now": now})
    rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
    return [CallbackSecret(*row) for row in rows]


async def keep_callback(
    driver: AsyncDriver, report: CallReport, *, config_id: int, body_digest: bytes, signed_at: dt.datetime, now: dt.datetime
) -> KeptCallback:
    """Keep a callback and end its call, in one statement; `sql/keep_callback.sql` says how."""
    values = _callback_values(report, config_id, body_digest, signed_at, now)
    (row,) = await (await driver.execute(_KEEP_CALLBACK, values)).fetchall()
    return KeptCallback(*row)


def keep_callback_within(
    connection: sa.Connection, report: CallReport, *, config_id: int, body_digest: bytes, signed_at: dt.datetime
) -> KeptCallback:
    """The same within the caller's transaction, as of now."""
    values = _callback_values(report, config_id, body_digest, signed_at, days.now())
    row = driver_connection(connection).execute(_KEEP_CALLBACK.encode(), values).fetchone()
    assert row is not None
    return KeptCallback(*row)  # type: ignore[arg-type]  # the statement's own columns


def _callback_values(
    report: CallReport, config_id: int, body_digest: bytes, signed_at: dt.datetime, now: dt.datetime
) -> dict[str, object]:
    return {
        **vars(report),
        "config_id": config_id,
        "body_digest": body_digest,
        "signed_at": signed_at,
        "now": now,
        "delay_s": max(0.0, (now - signed_at).total_seconds()),
        "verdict": {"failed": "failed", "unknown": "none"}.get(report.state, "good"),
    }


async def match_call(driver: AsyncDriver, *, config_id: int, call_uuid: str, now: dt.datetime) -> int:
    """Apply the callbacks kept for one call that has become known; how many found it."""
    cursor = await driver.execute(_MATCH_CALL, {"now": now, "config_id": config_id, "call_uuid": call_uuid})
    ((matched,),) = await cursor.fetchall()
    return int(matched)
