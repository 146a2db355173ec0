"""The contract ledger CSV: read leniently by line, changed in one column, byte-identical everywhere else.

Works on bytes: in UTF-8 and GB18030 alike a comma, a quote and a line end are never part of another character.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.contracts.records import Contract, Parked

CONTRACT_ID = "合同ID(_id)"
NOTIFIED = "是否发送通知"
CITY = "活动城市(province)"
AWARD_ACTIVE = "激活奖励状态"
COLUMNS = (
    CONTRACT_ID, "合同编号(contractdocNum)", "管家(serviceHousekeeper)", CITY, "服务商(orgName)", "活动期内第几个合同",
    "管家累计单数", "管家累计金额", "转化率(conversion)", AWARD_ACTIVE, "奖励类型", "奖励名称", NOTIFIED, "备注",
)  # fmt: skip
BOM = b"\xef\xbb\xbf"
_QUOTE = b'"'
_FIELD = re.compile(rb'"[^"]*(?:""[^"]*)*"|[^,"\r\n][^,\r\n]*|')
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_OLD_LINE = re.compile(rb"[^\r]*\r|[^\r]+\Z")
_AWARD_SEPARATOR = re.compile(r"[,，、;；]\s*")


@dataclass(frozen=True)
class Row:
    """One record of the file: its first line, and where each field lies in the file's bytes, quotes included."""

    line: int
    spans: tuple[tuple[int, int], ...]


@dataclass
class LedgerFile:
    """A ledger as read: its bytes and encoding, the good contracts, the parked lines."""

    content: bytes
    encoding: str
    contracts: list[Contract] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    repeated: dict[str, list[int]] = field(default_factory=dict)
    _status: dict[str, tuple[int, int]] = field(default_factory=dict)

    def with_status(self, changes: Mapping[str, bool]) -> bytes:
        """The file's bytes with 是否发送通知 of these contracts set to `Y` or `N`, all else as it is."""
        spans = sorted((self._status[contract_id], notified) for contract_id, notified in changes.items())
        parts, end = [], 0
        for (start, stop), notified in spans:
            old = self.content[start:stop]
            letter = b"Y" if notified else b"N"
            parts += [self.content[end:start], b'"' + letter + b'"' if old.startswith(_QUOTE) else letter]
            end = stop
        return b"".join([*parts, self.content[end:]])

    def knows(self, contract_id: str) -> bool:
        """Whether it is a good row of this file."""
        return contract_id in self._status


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
    for row in rows:
        _take(ledger, row, places)
    _resolve_repeated(ledger)
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


def _take(ledger: LedgerFile, row: Row, places: dict[str, int]) -> None:
    """Judge one record: a good contract, or a parked line."""
    values: dict[str, str] = {}
    decoder = "utf-8" if ledger.encoding == "utf-8-sig" else ledger.encoding
    for column, place in places.items():
        start, stop = row.spans[place]
        try:
            values[column] = _unquoted(ledger.content[start:stop]).decode(decoder).strip()
        except UnicodeDecodeError:
            ledger.parked.append(Parked(row.line, f"{column} is not {decoder.upper()}"))
            return
    contract_id = values[CONTRACT_ID]
    problem = _problem(values)
    if problem:
        ledger.parked.append(Parked(row.line, problem, contract_id or None))
    elif contract_id in ledger._status:
        ledger.repeated.setdefault(contract_id, []).append(row.line)
        if values[NOTIFIED].upper() == "Y":
            ledger.repeated[contract_id].append(-row.line)
    else:
        ledger._status[contract_id] = row.spans[places[NOTIFIED]]
        ledger.contracts.append(_contract(row.line, values))


def _problem(values: dict[str, str]) -> str | None:
    if not values[CONTRACT_ID]:
        return f"{CONTRACT_ID} is empty"
    if values[NOTIFIED].upper() not in ("Y", "N"):
        return f"{NOTIFIED} is {values[NOTIFIED][:20]!r}; it must be Y or N"
    if values[AWARD_ACTIVE] not in ("", "0", "1", "0.0", "1.0"):
        return f"{AWARD_ACTIVE} is {values[AWARD_ACTIVE][:20]!r}; it must be 0 or 1"
    if any("\x00" in value for value in values.values()):
        return "holds a zero byte"
    return f"{CONTRACT_ID} is longer than 200 characters" if len(values[CONTRACT_ID]) > 200 else None


def _contract(line: int, values: dict[str, str]) -> Contract:
    number, housekeeper, city, provider, platform, personal, amount, conversion, active, kind, names, _, note = (
        values[column] for column in COLUMNS[1:]
    )
    return Contract(
        line=line,
        contract_id=values[CONTRACT_ID],
        number=number,
        housekeeper=housekeeper,
        city=city,
        provider=provider,
        platform_count=platform,
        personal_count=personal,
        accumulated_amount=amount,
        conversion=conversion,
        award_active=active in ("1", "1.0"),
        award_type=kind,
        award_names=tuple(name for name in _AWARD_SEPARATOR.split(names) if name),
        notified=values[NOTIFIED].upper() == "Y",
        note=note,
    )


def _resolve_repeated(ledger: LedgerFile) -> None:
    """Of a contract id that stands in several lines, the first line is good, unless they disagree on 是否发送通知.

    A `Y` in any of them means that it may have been sent, so none is used until a person has decided.
    """
    first = {contract.contract_id: contract for contract in ledger.contracts if contract.contract_id in ledger.repeated}
    doubtful: set[str] = set()
    for contract_id, marks in ledger.repeated.items():
        kept, lines = first[contract_id], [line for line in marks if line > 0]
        with_yes = {-line for line in marks if line < 0}
        if any((line in with_yes) != kept.notified for line in lines):
            doubtful.add(contract_id)
            reason = (
                f"{CONTRACT_ID} {contract_id} stands in lines {kept.line}, {_listed(lines)}, and they disagree on {NOTIFIED}"
            )
            ledger.parked += [Parked(line, reason, contract_id) for line in (kept.line, *lines)]
        else:
            reason = f"{CONTRACT_ID} {contract_id} stands in line {kept.line} already"
            ledger.parked += [Parked(line, reason, contract_id) for line in lines]
        ledger.repeated[contract_id] = [kept.line, *lines]
    for contract_id in doubtful:
        del ledger._status[contract_id]
    ledger.contracts = [contract for contract in ledger.contracts if contract.contract_id not in doubtful]


def _listed(lines: Collection[int]) -> str:
    return ", ".join(map(str, sorted(lines)))


def _unquoted(raw: bytes) -> bytes:
    return raw[1:-1].replace(b'""', b'"') if raw[:1] == _QUOTE else raw
