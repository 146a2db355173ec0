"""Rows of a call history that was kept elsewhere, and what became of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Verdict = Literal["new", "changed", "unchanged", "repeated", "rejected"]

LEFT_OUT: Mapping[str, str] = {
    "unchanged": "the history has it already",
    "repeated": "another row of the import decides about its number",
    "never_called": "the row says that it was never called",
    "not_readable": "the line could not be read",
}
"""Reason why a row is not taken, beside the kinds of texts that name no number → what it says to people."""

REMARKS: Mapping[str, str] = {
    "time_unread": "its time could not be read; it counts as called now",
    "time_missing": "it has no time; it counts as called now",
    "time_ahead": "its time is still to come; it counts as called now",
    "calls_unread": "its number of calls could not be read; it counts as one",
    "erased": "the person had their data erased; it is kept without the number",
}
"""What was odd about rows that were taken nevertheless: a number is never lost because of another column."""


class HistoryRow(NamedTuple):
    """One row of a call history, or one call of a call log, as another system kept it.

    `phone`: any spelling. Times without a zone are Asia/Shanghai's. `calls`: how often it was called; None: the row is one
    call. `line`: where it stands in its source, of its own for each; 0: its place is counted. `remark`: a key of
    `REMARKS`. `unread`: the row could not be read and is only counted.
    """

    phone: str
    last_called_at: dt.datetime | None = None
    first_called_at: dt.datetime | None = None
    calls: int | None = None
    staff_name: str | None = None
    sys_name: str | None = None
    order_type: str | None = None
    order_nums: int | None = None
    updated_time: dt.datetime | None = None
    line: int = 0
    remark: str = ""
    unread: bool = False


@dataclass(frozen=True)
class JudgedRow:
    """One row with its verdict; the number masked. `reason` says why it is not taken, `remark` what was odd about it."""

    line: int
    phone: str
    verdict: Verdict
    reason: str = ""
    remark: str = ""


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or with `dry_run` would do.

    read = taken + the sum of `reasons`, taken = new + changed. `new`: numbers that the history did not know; `changed`:
    numbers of which it knows more now. `remarks` counts rows among those read. `examples`: the first rows that
    were not read as a number or never called; `first`: the first of the others.
    """

    read: int
    taken: int
    new: int
    changed: int
    reasons: Mapping[str, int]
    remarks: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[JudgedRow, ...] = ()
    first: tuple[JudgedRow, ...] = ()
    source: str = ""
    dry_run: bool = False

    @property
    def adds_up(self) -> bool:
        """Whether every row read is taken or has its reason."""
        return self.read == self.taken + sum(self.reasons.values())
