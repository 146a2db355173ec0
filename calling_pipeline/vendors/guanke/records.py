"""What Guanke sends, as typed records: the vendor's field names and codes are known here only. It sends no request.

Decoding is strict first, which costs nothing and proves that every record has exactly the contract's fields; only a
page that fails it is decoded again leniently, with a census of its new and missing fields.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Raw

from calling_pipeline.errors import ContractBreach
from calling_pipeline.vendors.answers import parsed

VENDOR = "guanke"
CALLS = "/task/cdr/all2"
TASKS = "/extension/agent/stat"
COUNTED_FIELDS = {
    "grade": frozenset({"grade", "callState", "userId"}),
    "task": frozenset({"callout_number", "called_number", "success_number"}),
}
"""The vendor's fields that published numbers depend on, by track."""
_Identity = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_EARLIEST_S, _LATEST_S = 1_000_000_000, 4_000_000_000


class CallRecord(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    rename={
        "task_id": "taskId",
        "task_name": "TaskName",
        "real_phone": "realPhone",
        "called_at_s": "callTime",
        "call_state": "callState",
        "duration_s": "duration",
        "agent_id": "userId",
        "line_name": "deviceName",
        "hangup_reason": "hangupReason",
    },
):
    """One dialled call.

    `called_at_s`: Unix seconds; `call_state`: 0 not dialled, 1 not connected, 2 connected; `grade`: the vendor's free text.
    Fields that the vendor left out are None.
    """

    id: _Identity
    called_at_s: int
    task_id: str | int | None = None
    task_name: str | None = None
    phone: str | None = None
    real_phone: str | None = None
    call_state: Annotated[int, Meta(ge=0, le=2)] | None = None
    duration_s: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    grade: str | int | None = None
    agent_id: str | int | None = None
    line_name: str | None = None
    hangup_reason: str | None = None
    province: str | None = None
    city: str | None = None

    def __post_init__(self) -> None:
        moment = self.called_at_s
        if _EARLIEST_S <= moment < _LATEST_S:
            return
        if not _EARLIEST_S * 1000 <= moment < _LATEST_S * 1000:
            raise ValueError(f"callTime {moment} is neither Unix seconds nor milliseconds")
        msgspec.structs.force_setattr(self, "called_at_s", moment // 1000)


class _ContractCallRecord(CallRecord, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Exactly the contract's fields: those it promises are required, those it calls optional are not."""

    task_id: str | int | None
    task_name: str | None
    phone: str | None
    call_state: Annotated[int, Meta(ge=0, le=2)]
    duration_s: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    grade: str | int | None
    agent_id: str | int | None
    ccId: Raw = Raw()  # noqa: N815  # the wire's names from here on: known, not used, not decoded
    deviceId: Raw = Raw()  # noqa: N815
    audio: Raw = Raw()
    remark: Raw = Raw()
    params: Raw = Raw()
    ext: Raw = Raw()
    isCall: Raw = Raw()  # noqa: N815
    isFollow: Raw = Raw()  # noqa: N815
    companyId: Raw = Raw()  # noqa: N815


class TaskStat(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    rename={"calls": "callout_number", "connected": "called_number", "successes": "success_number"},
):
    """One dialling task on one day."""

    task_id: str | int
    calls: _Count
    connected: _Count
    successes: _Count
    task_name: str | None = None


class _ContractTaskStat(TaskStat, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    task_name: str | None
    intention_number: Raw = Raw()
    intention_number2: Raw = Raw()


@dataclass
class FieldCensus:
    """Records that carried a field the contract does not know, or lacked one it promises, by field name."""

    new: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)


RecordT = TypeVar("RecordT", bound=msgspec.Struct)


class PageBody(msgspec.Struct, Generic[RecordT]):
    """`data` of a list answer."""

    data: list[RecordT] | None
    totalCount: _Count  # noqa: N815


class _Answer(msgspec.Struct, Generic[RecordT]):
    code: int
    data: PageBody[RecordT]
    message: str | None = None


class Envelope(msgspec.Struct):
    """What every answer of Guanke says before its data."""

    code: int
    message: str | None = None
    data: Raw = Raw()


class TokenData(msgspec.Struct):
    """`data` of the two token calls."""

    token: Annotated[str, Meta(min_length=1)]


@dataclass(frozen=True)
class Page(Generic[RecordT]):
    """One page, decoded."""

    number: int
    records: list[RecordT]
    total: int
    code: int = 200


class _LooseBody(msgspec.Struct):
    data: list[dict[str, Raw]] | None


class _LooseAnswer(msgspec.Struct):
    data: _LooseBody


_LOOSE = msgspec.json.Decoder(_LooseAnswer)


class PageDecoder(Generic[RecordT]):
    """Decodes the pages of one endpoint into `lenient` records, counting what drifts from `strict`."""

    def __init__(self, endpoint: str, lenient: type[RecordT], strict: type[RecordT]) -> None:
        self._endpoint = endpoint
        answers: Any = _Answer  # generic over a class that only this call knows
        self._strict: msgspec.json.Decoder[Any] = msgspec.json.Decoder(answers[strict], strict=False)
        self._lenient: msgspec.json.Decoder[Any] = msgspec.json.Decoder(answers[lenient], strict=False)
        information = msgspec.inspect.type_info(strict)
        assert isinstance(information, msgspec.inspect.StructType)
        self._known = {item.encode_name for item in information.fields}
        self._promised = {item.encode_name for item in information.fields if item.required}

    def decode(self, body: bytes, number: int, census: FieldCensus) -> Page[RecordT]:
        """Decode page `number`; the caller has judged neither status nor code yet.

        Raises `msgspec.DecodeError` when it is no JSON, and `ContractBreach` naming endpoint, page and field when a value
        lies outside the contract.
        """
        try:
            answer = parsed(self._strict.decode, body)
        except msgspec.ValidationError:
            answer = self._decode_leniently(body, number)
            self._count_fields(body, census)
        return Page(number, answer.data.data or [], answer.data.totalCount, answer.code)

    def _decode_leniently(self, body: bytes, number: int) -> Any:
        try:
            return parsed(self._lenient.decode, body)
        except msgspec.ValidationError as error:
            raise breach(self._endpoint, number, error) from error

    def _count_fields(self, body: bytes, census: FieldCensus) -> None:
        for record in parsed(_LOOSE.decode, body).data.data or []:
            census.new.update(record.keys() - self._known)
            census.missing.update(self._promised - record.keys())


_PATH = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_ROW = re.compile(r"\.data\.data\[(?P<row>\d+)\]\.?(?P<field>.*)")


def breach(endpoint: str, number: int, error: msgspec.ValidationError) -> ContractBreach:
    """The failure in an operator's words: which endpoint, page, row and field. It repeats no value."""
    found = _PATH.match(str(error))
    what, path = (found["what"], found["path"] or "") if found else (str(error), "")
    row = _ROW.match(path)
    where = f"row {int(row['row']) + 1}" if row else ""
    name = (row["field"] if row else path.strip(".")) or ""
    named = ", ".join(part for part in (f"page {number}", where, f"field {name}" if name else "") if part)
    return ContractBreach(
        f"Guanke {endpoint} answered outside its contract at {named}: {what}",
        vendor=VENDOR,
        endpoint=endpoint,
    )


def call_decoder(endpoint: str) -> PageDecoder[CallRecord]:
    """For pages of call records."""
    return PageDecoder(endpoint, CallRecord, _ContractCallRecord)


def task_decoder(endpoint: str) -> PageDecoder[TaskStat]:
    """For pages of task statistics."""
    return PageDecoder(endpoint, TaskStat, _ContractTaskStat)
