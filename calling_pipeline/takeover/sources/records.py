"""What the old system is to a takeover: tables of rows, and files where it is a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from calling_pipeline.takeover.records import Row


class Source(Protocol):
    """An old system, read only. Use `close` at the end."""

    name: str
    """Where it is, without a password."""

    def tables(self) -> Mapping[str, Sequence[str]]:
        """Its tables and their columns."""

    def rows(self, table: str, *, skip: int = 0) -> Iterator[Row]:
        """The rows of a table in an order that stays, without the first `skip`; never all of them in memory."""

    def files(self, patterns: Sequence[str]) -> list[Path]:
        """Its files whose names fit; none where it is a database."""

    def close(self) -> None:
        """Give connections back."""
