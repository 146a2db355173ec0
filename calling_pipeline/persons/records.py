"""A person as the tables know them, what was found, and the certificate of an erasure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """What leads to one person's rows. `digits` is the number as it may stand within texts; `token` takes its place.

    `digests`: its keyed hashes, two while a rotation of keys lasts; `token_digest`: that of the token.
    `records`, `uuids`, `cases`: of telephony;
    `kept`: reports of calls that cannot be read, whose body holds the number.
    """

    phone: str = field(repr=False)
    digits: str = field(repr=False)
    masked: str
    digests: Sequence[bytes] = field(repr=False)
    token: str
    token_digest: bytes
    records: Sequence[int] = ()
    uuids: Sequence[str] = ()
    cases: Sequence[int] = ()
    kept: Sequence[int] = ()


@dataclass(frozen=True)
class Found:
    """How many rows of a table, or files of a kind, are about the person."""

    place: str
    rows: int
    what: str


ARCHIVED = ("month files of old batches", "archived rows of call batches")
"""How rows that are in files are named: place and what."""


@dataclass(frozen=True)
class Preview:
    """What an erasure would do: rows by place, files, where the number stays, and why it cannot be done now."""

    number: str
    found: Sequence[Found]
    files: int
    left: Sequence[str]
    erased_before: Sequence[int]
    obstacle: str = ""

    @property
    def rows(self) -> int:
        """All rows together."""
        return sum(one.rows for one in self.found)


@dataclass(frozen=True)
class Certificate:
    """The proof of one erasure, as it was made."""

    id: int
    made_at: Any
    made_by: str
    document: Mapping[str, Any]
    digest: str
