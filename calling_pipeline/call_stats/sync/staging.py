"""Turns the vendor's call records into lines of PostgreSQL's COPY format: phones masked and hashed, grades judged.

The hottest loop of a sync. Texts repeat (tasks, provinces, agents), so each is escaped once and remembered. A clean
mainland mobile is recognised here, by the judge's own rule; `phones` judges every other spelling.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from calling_pipeline import days
from calling_pipeline.call_stats.grades import GradeWords, is_unknown, order_yuan
from calling_pipeline.contact_policy.erased.store import Erased
from calling_pipeline.masking import mask_phone, phone_hash, phone_hasher
from calling_pipeline.phones import mobile_prefixes, read_phone
from calling_pipeline.vendors.guanke.records import CallRecord

COLUMNS = (
    "id",
    "called_at_s",
    "call_state",
    "duration_s",
    "grade",
    "order_yuan",
    "agent_id",
    "task_id",
    "task_name",
    "line_name",
    "phone_masked",
    "phone_hash",
    "hangup_reason",
    "province",
    "city",
)
"""Of the staging table, in the order of a line."""

_REMEMBERED = 50_000
_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\N{REPLACEMENT CHARACTER}"})


class Stager:
    """Formats the pages of one day; calls of another day are counted (`outside_day`) and left out.

    Of a person who was erased (`erased`) the hash of their token is kept, and nothing of the number.
    """

    def __init__(
        self, day: dt.date, phone_key: bytes, words: GradeWords | None = None, erased: Erased | None = None
    ) -> None:
        start, end = days.day_bounds(day)
        self._day_s = range(int(start.timestamp()), int(end.timestamp()))
        self._hasher = phone_hasher(phone_key)
        self._mobile_prefixes = mobile_prefixes()
        self._odd_phones = _OddPhones(phone_key, erased)
        self._erased = erased
        self._texts = _Texts()
        self._words = words or GradeWords()
        self._grades = _Grades(self._words)
        self._graded: Counter[str | int | None] = Counter()
        self.outside_day = 0

    @property
    def graded(self) -> int:
        """Records that carry a grade."""
        return self._graded.total()

    @property
    def unknown_grades(self) -> Counter[str]:
        """Records by a grade that the vocabulary lacks; long texts are cut off."""
        unknown: Counter[str] = Counter()
        for text, records in self._graded.items():
            if is_unknown(str(text), self._words):
                unknown[str(text)[:40]] += records
        return unknown

    def lines(self, records: Iterable[CallRecord]) -> str:
        """The records in COPY's text format."""
        texts, grades, day_s = self._texts, self._grades, self._day_s
        lines = []
        for record in records:
            moment = record.called_at_s
            if moment not in day_s:
                self.outside_day += 1
                continue
            grade, graded = grades[record.grade]
            if graded:
                self._graded[record.grade] += 1
            state = record.call_state
            lines.append(
                f"{record.id}\t{moment}\t{_NULL if state is None else state}\t{record.duration_s or 0}\t{grade}\t"
                f"{texts[record.agent_id if record.agent_id is not None else '']}\t{texts[record.task_id]}\t"
                f"{texts[record.task_name]}\t{texts[record.line_name]}\t{self._phone(record)}\t"
                f"{texts[record.hangup_reason]}\t{texts[record.province]}\t{texts[record.city]}\n"
            )
        return "".join(lines)

    def _phone(self, record: CallRecord) -> str:
        """Masked phone and hash, as two columns."""
        phone = record.real_phone or record.phone or ""
        clean = phone[:5] in self._mobile_prefixes and len(phone) == 11 and phone.isdecimal() and phone.isascii()
        if clean and (self._erased is None or self._erased.token(phone) is None):
            hasher = self._hasher.copy()
            hasher.update(phone.encode())
            return f"{phone[:3]}****{phone[-4:]}\t\\\\x{hasher.hexdigest()}"
        return self._odd_phones[phone]


class _OddPhones(dict[str, str]):
    """Masked phone and hash of spellings other than a clean mobile.

    What names no whole number (masked by the vendor, cut off, several numbers, …) keeps the vendor's text, masked, and
    has no hash, or rows of different people would be taken for one person's.
    """

    def __init__(self, phone_key: bytes, erased: Erased | None = None) -> None:
        super().__init__()
        self._key = phone_key
        self._erased = erased

    def __missing__(self, text: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        phone = read_phone(text).phone
        if phone is None:
            masked, digest = mask_phone("".join(text.split())), _NULL
        elif self._erased is not None and (token := self._erased.token(phone)):
            masked, digest = "", f"\\\\x{phone_hash(self._key, token).hex()}"
        else:
            masked, digest = mask_phone(phone), f"\\\\x{phone_hash(self._key, phone).hex()}"
        columns = self[text] = f"{masked.translate(_ESCAPES)}\t{digest}"
        return columns


class _Texts(dict[str | int | None, str]):
    def __missing__(self, value: str | int | None) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        text = self[value] = _NULL if value is None else str(value).translate(_ESCAPES)
        return text


class _Grades(dict[str | int | None, tuple[str, bool]]):
    """The columns of a grade, and whether it is more than blank."""

    def __init__(self, words: GradeWords) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, value: str | int | None) -> tuple[str, bool]:
        if len(self) >= _REMEMBERED:
            self.clear()
        grade = None if value is None else str(value)
        escaped = _NULL if grade is None else grade.translate(_ESCAPES)
        judged = self[value] = f"{escaped}\t{order_yuan(grade, self._words)}", bool(grade and grade.strip())
        return judged
