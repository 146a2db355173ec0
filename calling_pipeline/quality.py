"""What all rooms' judgements share: facts go in, a `Finding` comes out. Nothing here reads anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """The result of one judgement about one day, or about a thing that has no day.

    `sentence` says what was found, fit for an operator. `examples` name records by their ids, never phone numbers.
    `numbers` are the figures behind the sentence, for plots.
    """

    passed: bool
    sentence: str
    examples: tuple[str, ...] = ()
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)


def none_of(rows: Sequence[Mapping[str, Any]], *, good: str, bad: str) -> Finding:
    """Passed when `rows`, the rows that break a promise, is empty; each row becomes an example."""
    examples = tuple(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows)
    return Finding(not rows, bad if rows else good, examples)
