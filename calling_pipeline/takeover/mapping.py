"""The column mapping: which table of a source a part reads, and which of its columns holds which field."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calling_pipeline.errors import InvalidInput
from calling_pipeline.takeover.records import Fields, Row

PACKAGED = Path(__file__).with_name("mapping.toml")
Sections = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class Section:
    """One section of the mapping, made for the columns of one table."""

    name: str
    lists: Mapping[str, Sequence[str]]
    columns: Mapping[str, str]

    def fields(self, row: Row) -> Fields:
        """The row by the mapping's names."""
        return {field: row.get(column) for field, column in self.columns.items()}

    def says(self, words: str, value: Any) -> bool:
        """Whether `value` is one of the words that the list `words` holds, upper and lower case alike."""
        text = str(value if value is not None else "").strip().lower()
        return text in {word.lower() for word in self.lists[words]}


@dataclass(frozen=True)
class Mapped:
    """The whole mapping, and its digest."""

    sections: Sections

    @property
    def digest(self) -> str:
        """Names the mapping: another one makes another takeover."""
        return hashlib.sha256(json.dumps(self.sections, sort_keys=True).encode()).hexdigest()

    def table(self, section: str, tables: Iterable[str]) -> str | None:
        """The table of the source that the section reads; None without one."""
        there = {table.lower(): table for table in tables}
        return next((there[name.lower()] for name in self.sections[section]["tables"] if name.lower() in there), None)

    def section(self, name: str, columns: Sequence[str]) -> Section:
        """The section for a table with these columns."""
        there = {column.strip().lower(): column for column in reversed(columns)}
        found = {
            field: there[choice.lower()]
            for field, names in self.sections[name].items()
            if field != "tables" and not field.endswith("_words")
            for choice in [next((one for one in names if one.lower() in there), "")]
            if choice
        }
        return Section(name, self.sections[name], found)

    def words(self, section: str, name: str) -> Sequence[str]:
        """One list of a section."""
        return self.sections[section][name]


def packaged() -> str:
    """The mapping for the systems that this product replaces, as text."""
    return PACKAGED.read_text(encoding="utf-8")


def load(file: Path | None = None) -> Mapped:
    """The packaged mapping, with the lists that `file` names in place of its own.

    Raises `InvalidInput` for a file that is no TOML, and for a section or a field that there is not.
    """
    sections = {name: dict(section) for name, section in tomllib.loads(packaged()).items()}
    if file is not None:
        for name, given in _read(file).items():
            if name not in sections or not isinstance(given, dict):
                raise InvalidInput(f"{file.name}: there is no section [{name}]; there are: {', '.join(sections)}")
            for field, names in given.items():
                if field not in sections[name]:
                    known = ", ".join(sections[name])
                    raise InvalidInput(f"{file.name}: [{name}] has no field {field!r}; it has: {known}")
                sections[name][field] = _names(file, name, field, names)
    return Mapped(sections)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{file} is no readable TOML file: {error}") from error


def _names(file: Path, section: str, field: str, names: Any) -> list[str]:
    chosen = [names] if isinstance(names, str) else names
    if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
        raise InvalidInput(f"{file.name}: [{section}] {field} must be a name or a list of names")
    return chosen
