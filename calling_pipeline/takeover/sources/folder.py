"""A folder of CSV and JSON files, each a table named by its file, read row by row."""

from __future__ import annotations

import csv
import fnmatch
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from calling_pipeline.errors import InvalidInput
from calling_pipeline.takeover.records import Row
from calling_pipeline.text_encoding import encoding_of

_BLOCK = 1 << 20
_ENDINGS = (".csv", ".json", ".jsonl")
_DELIMITERS = ",;\t|"
_BETWEEN = re.compile(r"[\s,]*")


class FolderSource:
    """The files of one folder; those in folders below it are not read."""

    def __init__(self, folder: Path) -> None:
        self._paths = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in _ENDINGS}
        self.name = str(folder)
        self._folder = folder

    def tables(self) -> Mapping[str, Sequence[str]]:
        """Each file with the columns of its first row."""
        return {name: list(next(self._rows(path), {})) for name, path in self._paths.items()}

    def rows(self, table: str, *, skip: int = 0) -> Iterator[Row]:
        """The rows in the order of the file."""
        return islice(self._rows(self._paths[table]), skip, None)

    def files(self, patterns: Sequence[str]) -> list[Path]:
        """The files whose names fit one of the patterns, each once."""
        names = sorted(path.name for path in self._folder.iterdir() if path.is_file())
        fitting = (name for pattern in patterns for name in fnmatch.filter(names, pattern))
        return [self._folder / name for name in dict.fromkeys(fitting)]

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self, path: Path) -> Iterator[Row]:
        try:
            with path.open(encoding=encoding_of(path), newline="") as file:
                yield from _csv(file, path.name) if path.suffix.lower() == ".csv" else _json(file, path.name)
        except UnicodeDecodeError:
            raise InvalidInput(f"{path.name} is neither UTF-8 nor GB18030 text") from None


def _csv(file: TextIO, name: str) -> Iterator[Row]:
    head = file.readline()
    file.seek(0)
    rows = csv.DictReader(file, delimiter=max(_DELIMITERS, key=head.count), strict=True, restkey="")
    try:
        for row in rows:
            if any(value for value in row.values()):
                yield row
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {rows.line_num}: {error}") from None


def _json(file: TextIO, name: str) -> Iterator[Row]:
    """The objects of a list, of lines, or of an object of objects; the latter two with their key as `id`."""
    start = file.read(_BLOCK)
    if start.lstrip()[:1] == "[":
        yield from (row if isinstance(row, dict) else {"value": row} for row in _items(file, start, name))
        return
    file.seek(0)
    first = file.readline()
    rest = chain([first], file)
    if _object(first) is not None and start.count("\n") > 1:
        yield from (_object(line) or {"value": line.strip()} for line in rest if line.strip())
        return
    file.seek(0)
    document = _whole(file.read(), name)
    if isinstance(document, dict) and document and all(isinstance(value, dict) for value in document.values()):
        yield from ({"id": key, **value} for key, value in document.items())
    elif isinstance(document, dict):
        yield document


def _items(file: TextIO, text: str, name: str) -> Iterator[Any]:
    """The items of a JSON list, decoded one by one from blocks."""
    decode, place = json.JSONDecoder().raw_decode, text.index("[") + 1
    while True:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing too
        if text[place : place + 1] == "]":
            return
        try:
            item, end = decode(text, place)
            whole = end < len(text)  # a number at the end of a block may go on
        except ValueError:
            whole = False
        if whole:
            yield item
            place = end
            continue
        block = file.read(_BLOCK)
        if not block:
            raise InvalidInput(f"{name} is no readable JSON: it breaks off within its list")
        text, place = text[place:] + block, 0


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _whole(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is no readable JSON: {error}") from None
