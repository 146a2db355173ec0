"""The contract ledger CSV: read leniently by line, changed in one column, byte-identical everywhere else.

Works on bytes: in UTF-8 and GB18030 alike a comma, a quote and a line end are never part of another character. What a line
means is `ledger_rows`' business. A contract on several lines is one contract, and is changed on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.contracts.ledger_rows import (
    COLUMNS,
    CONTRACT_ID,
    NOTIFIED,
    contract_of,
    differences,
    key_of_contract,
    problem_of,
    says_yes,
)
from calling_pipeline.notifications.contracts.records import Contract, Parked

BOM = b"\xef\xbb\xbf"
_QUOTE = b'"'
_FIELD = re.compile(rb'"[^"]*(?:""[^"]*)*"|[^,"\r\n][^,\r\n]*|')
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_OLD_LINE = re.compile(rb"[^\r]*\r|[^\r]+\Z")


@dataclass(frozen=True)
class Row:
    """One record of the file: its first line, and where each field lies in the file's bytes, quotes included."""

    line: int
    spans: tuple[tuple[int, int], ...]


class _Mark(NamedTuple):
    """The 是否发送通知 of one line: what it says, and where it lies in the file's bytes."""

    line: int
    yes: bool
    span: tuple[int, int]


@dataclass
class LedgerFile:
    """A ledger as read: its bytes and encoding, the contracts, the parked lines.

    `contradictions`: contract id → why its lines, which differ in more than 是否发送通知, are all parked.
    """

    content: bytes
    encoding: str
    contracts: list[Contract] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    contradictions: dict[str, str] = field(default_factory=dict)
    _marks: dict[str, list[_Mark]] = field(default_factory=dict)

    def with_status(self, changes: Mapping[str, bool]) -> bytes:
        """The file's bytes with 是否发送通知 of these contracts set to `Y` or `N` on all their lines, all else as it is."""
        wanted = [(mark.span, yes) for id_, yes in changes.items() for mark in self._marks[id_] if mark.yes != yes]
        parts, end = [], 0
        for (start, stop), yes in sorted(wanted):
            old = self.content[start:stop]
            letter = b"Y" if yes else b"N"
            parts += [self.content[end:start], b'"' + letter + b'"' if old.startswith(_QUOTE) else letter]
            end = stop
        return b"".join([*parts, self.content[end:]])

    def knows(self, contract_id: str) -> bool:
        """Whether it is a contract of this file that can be used."""
        return contract_id in self._marks


def parse(content: bytes) -> LedgerFile:
    """Read a ledger: lines that cannot be used are parked, the others are good.

    Raises `InvalidInput` when nothing of it can be used: no header, columns missing, an encoding that is neither UTF-8 nor
    GB18030.
    """
    start = len(BOM) if content.startswith(BOM) else 0
    lines = _lines(content, start)
    header = next(_rows(content, lines, width=None, parked=[]), None)
    if header is None:
        raise InvalidInput("the contract ledger is empty; line 1 must name the columns")
    encoding, names = _header(content, header, bom=start > 0)
    places = _places(names)
    ledger = LedgerFile(content, encoding)
    rows = _rows(content, lines[header_lines(content, header, lines) :], width=len(names), parked=ledger.parked)
    first: dict[str, Contract] = {}
    differing: dict[str, set[str]] = {}
    for row in rows:
        contract = _take(ledger, row, places)
        if contract is not None:
            kept = first.setdefault(contract.contract_id, contract)
            if kept is not contract and (columns := differences(kept, contract)):
                differing.setdefault(contract.contract_id, set()).update(columns)
    _park_contradictions(ledger, differing)
    ledger.contracts = [_on_all_lines(contract, ledger._marks[id_]) for id_, contract in first.items() if ledger.knows(id_)]
    ledger.parked.sort(key=lambda parked: parked.line)
    return ledger


def header_lines(content: bytes, header: Row, lines: Sequence[tuple[int, int, int]]) -> int:
    """How many of `lines` lie before the first record: blank ones and the header's own."""
    end = header.spans[-1][1]
    return next((index for index, (_, start, _) in enumerate(lines) if start > end), len(lines))


def _lines(content: bytes, start: int) -> list[tuple[int, int, int]]:
    """Number, start and end (line end included) of every physical line."""
    first_end = _LINE_END.search(content, start)
    pattern = _OLD_LINE if first_end and first_end.group() == b"\r" else _LINE
    found = pattern.finditer(content, start)
    return [(number, match.start(), match.end()) for number, match in enumerate(found, 1)]


def _rows(
    content: bytes, lines: Sequence[tuple[int, int, int]], *, width: int | None, parked: list[Parked]
) -> Iterator[Row]:
    """The records. A broken one parks its first line only, and reading goes on at the next line.

    So one stray quote does not make the rest of the file unusable.
    """
    index = 0
    while index < len(lines):
        number, start, end = lines[index]
        stop = _without_line_end(content, start, end)
        if not content[start:stop].strip():
            index += 1
            continue
        try:
            spans, after = _fields(content, start, stop, lines[-1][2])
            if width is not None and len(spans) != width:
                raise _Broken(f"has {len(spans)} fields where the header has {width}")
        except _Broken as broken:
            if width is None:
                raise InvalidInput(f"line {number} of the contract ledger, its header, {broken}") from None
            parked.append(Parked(number, str(broken)))
            index += 1
            continue
        yield Row(number, tuple(spans))
        index += 1
        while index < len(lines) and lines[index][1] < after:
            index += 1


class _Broken(Exception):
    """Why a record cannot be split into its fields."""


def _fields(content: bytes, start: int, stop: int, file_end: int) -> tuple[list[tuple[int, int]], int]:
    """Spans of the record that begins at `start`, and where it ends. Without a quote it is one line, split at commas."""
    if content.find(_QUOTE, start, stop) < 0:
        commas = [start - 1]
        at = content.find(b",", start, stop)
        while at >= 0:
            commas.append(at)
            at = content.find(b",", at + 1, stop)
        commas.append(stop)
        return [(before + 1, after) for before, after in pairwise(commas)], stop
    spans: list[tuple[int, int]] = []
    at = start
    while True:
        match = _FIELD.match(content, at)
        assert match is not None
        spans.append(match.span())
        at = match.end()
        following = content[at : at + 1]
        if following == b",":
            at += 1
        elif following in (b"", b"\r", b"\n") or at >= file_end:
            return spans, at
        elif following == _QUOTE and match.start() == match.end():
            raise _Broken("opens a quote and never closes it")
        else:
            raise _Broken("has text behind a closing quote")


def _without_line_end(content: bytes, start: int, end: int) -> int:
    while end > start and content[end - 1] in b"\r\n":
        end -= 1
    return end


def _header(content: bytes, header: Row, *, bom: bool) -> tuple[str, list[str]]:
    raw = [_unquoted(content[start:stop]) for start, stop in header.spans]
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidInput("the contract ledger is UTF-16; save it as UTF-8 or GB18030")
    tried: dict[str, list[str]] = {}
    for encoding in ("utf-8",) if bom else ("utf-8", "gb18030"):
        try:
            tried[encoding] = [name.decode(encoding).strip() for name in raw]
        except UnicodeDecodeError:
            continue
    if not tried:
        raise InvalidInput("line 1 of the contract ledger is neither UTF-8 nor GB18030; save the file as UTF-8")
    encoding = max(tried, key=lambda name: len(set(COLUMNS) & set(tried[name])))
    return "utf-8-sig" if bom else encoding, tried[encoding]


def _places(names: Sequence[str]) -> dict[str, int]:
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise InvalidInput(
            f"line 1 of the contract ledger lacks the columns {', '.join(missing)}; it has {', '.join(names)[:300]}"
        )
    twice = [column for column in COLUMNS if names.count(column) > 1]
    if twice:
        raise InvalidInput(f"line 1 of the contract ledger names the column {twice[0]} twice")
    return {column: names.index(column) for column in COLUMNS}


def _take(ledger: LedgerFile, row: Row, places: dict[str, int]) -> Contract | None:
    """Judge one record: the contract as this line has it, or a parked line."""
    values: dict[str, str] = {}
    decoder = "utf-8" if ledger.encoding == "utf-8-sig" else ledger.encoding
    for column, place in places.items():
        start, stop = row.spans[place]
        try:
            values[column] = _unquoted(ledger.content[start:stop]).decode(decoder).strip()
        except UnicodeDecodeError:
            ledger.parked.append(Parked(row.line, f"{column} is not {decoder.upper()}"))
            return None
    contract_id = values[CONTRACT_ID] = key_of_contract(values[CONTRACT_ID])
    problem = problem_of(values)
    if problem:
        ledger.parked.append(Parked(row.line, problem, contract_id or None))
        return None
    yes = says_yes(values)
    ledger._marks.setdefault(contract_id, []).append(_Mark(row.line, yes, row.spans[places[NOTIFIED]]))
    return contract_of(row.line, values)


def _park_contradictions(ledger: LedgerFile, differing: Mapping[str, set[str]]) -> None:
    """Which of the lines is right, a person has to say. What we write ourselves, the `Y`, never makes lines differ."""
    for contract_id, columns in differing.items():
        lines = [mark.line for mark in ledger._marks.pop(contract_id)]
        named = ", ".join(column for column in COLUMNS if column in columns)
        reason = f"{CONTRACT_ID} {contract_id} stands in lines {', '.join(map(str, lines))}, which differ in {named}"
        ledger.contradictions[contract_id] = reason
        ledger.parked += [Parked(line, reason, contract_id) for line in lines]


def _on_all_lines(contract: Contract, marks: Sequence[_Mark]) -> Contract:
    if len(marks) == 1:
        return contract
    return replace(
        contract,
        more_lines=tuple(mark.line for mark in marks[1:]),
        notified=all(mark.yes for mark in marks),
        said_yes=any(mark.yes for mark in marks),
    )


def _unquoted(raw: bytes) -> bytes:
    return raw[1:-1].replace(b'""', b'"') if raw[:1] == _QUOTE else raw
