"""Turns rows of a history into lines of PostgreSQL's COPY format, each number judged. The hottest loop of an import."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from calling_pipeline import days
from calling_pipeline.call_batches.history.records import HistoryRow
from calling_pipeline.masking import mask_sample
from calling_pipeline.phones import mobile_prefixes, read_phone

CHUNK = 2000
"""Lines handed to COPY at once."""
MOST_CALLS = 1_000_000
LONGEST_TEXT = 500
_NULL = "\\N"
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\N{REPLACEMENT CHARACTER}"}
    | dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}")
)
_REMEMBERED = 50_000
_REASONS = {"land_line": "area_code_missing"}
"""A kind of spelling → the reason, where it is another: a land line with its area code names a number."""


class Liner:
    """Formats the rows of one import, and counts them: `read`, `reasons` of those not taken, `remarks`.

    `erased` gives the token of an erased number, which takes its place; None while nobody was erased.
    """

    def __init__(self, now: dt.datetime, erased: Callable[[str], str | None] | None = None) -> None:
        self.read = 0
        self.with_number = 0
        self.reasons: Counter[str] = Counter()
        self.remarks: Counter[str] = Counter()
        self._now = now
        self._erased = erased
        self._prefixes = mobile_prefixes()
        self._texts: dict[str, str] = {}

    def chunks(self, rows: Iterable[HistoryRow]) -> Iterator[str]:
        """The rows in COPY's text format, some thousand at a time."""
        lines: list[str] = []
        for row in rows:
            lines.append(self._line(row))
            if len(lines) >= CHUNK:
                yield "".join(lines)
                lines.clear()
        yield "".join(lines)

    def _line(self, row: HistoryRow) -> str:
        self.read += 1
        spelling = row.phone
        if len(spelling) == 11 and spelling[:5] in self._prefixes and spelling.isascii() and spelling.isdecimal():
            phone, reason = spelling, ""
        else:
            reading = read_phone(spelling)
            phone, reason = reading.phone or "", "" if reading.phone else _REASONS.get(reading.kind, reading.kind)
        if row.unread:
            phone, reason = "", "not_readable"
        elif row.calls is not None and row.calls < 1 and phone:
            reason = "never_called"
        line, text, moment = row.line or self.read, self._text, self._moment
        if reason:
            self.reasons[reason] += 1
            said = _NULL if phone else text(mask_sample(spelling))
            return f"{line}\t{phone or _NULL}\t{said}\t{reason}" + f"\t{_NULL}" * 9 + "\n"
        self.with_number += 1
        last, remark = self._last(row)
        if self._erased is not None and (token := self._erased(phone)):
            phone, remark = token, "erased"
        if remark:
            self.remarks[remark] += 1
        calls = _NULL if row.calls is None else str(min(row.calls, MOST_CALLS))
        orders = _NULL if row.order_nums is None or abs(row.order_nums) > 2**31 - 1 else str(row.order_nums)
        return (
            f"{line}\t{phone}\t{_NULL}\t{_NULL}\t{remark or _NULL}\t{last}\t{moment(row.first_called_at)}\t{calls}"
            f"\t{text(row.staff_name)}\t{text(row.sys_name)}\t{text(row.order_type)}\t{orders}\t{moment(row.updated_time)}\n"
        )

    def _last(self, row: HistoryRow) -> tuple[str, str]:
        """When the number was called, as COPY reads it, and what is odd about it."""
        moment = row.last_called_at or row.updated_time
        if moment is None:
            return _NULL, row.remark or "time_missing"
        if _aware(moment) > self._now:
            return _NULL, "time_ahead"
        return self._moment(moment), row.remark

    def _moment(self, moment: dt.datetime | None) -> str:
        """An instant as COPY reads it; one that is still to come is now."""
        if moment is None:
            return _NULL
        return min(_aware(moment), self._now).isoformat(" ")

    def _text(self, text: str | None) -> str:
        if not text:
            return _NULL
        known = self._texts.get(text)
        if known is None:
            known = text[:LONGEST_TEXT].translate(_ESCAPES)
            if len(self._texts) < _REMEMBERED:
                self._texts[text] = known
        return known


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=days.SHANGHAI)
