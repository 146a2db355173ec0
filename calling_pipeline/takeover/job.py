"""What the parts of a takeover work with: the source and its mapping, the runtime, who does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from calling_pipeline.runtime import Runtime
from calling_pipeline.takeover.mapping import Mapped, Section
from calling_pipeline.takeover.records import Counts, Part, Row
from calling_pipeline.takeover.sources.records import Source


@dataclass
class Job:
    """One takeover at work. `tables`: of the source, with their columns; `dry_run`: everything is taken back."""

    runtime: Runtime
    source: Source
    mapped: Mapped
    by: str
    reason: str = ""
    dry_run: bool = False
    tables: dict[str, Sequence[str]] = field(default_factory=dict)

    def section(self, name: str) -> tuple[str, Section] | None:
        """(table, section) of the mapping, when the source has a table for it."""
        table = self.mapped.table(name, self.tables)
        return None if table is None else (table, self.mapped.section(name, self.tables[table]))

    def rows(self, name: str) -> list[Row]:
        """Every row of a section's table; for small tables."""
        found = self.section(name)
        return [] if found is None else list(self.source.rows(found[0]))


Take = Callable[[Job, sa.Connection, Section, Sequence[Row], Counts], None]
"""Takes some rows of a section's table in the caller's transaction, and counts them."""
Whole = Callable[[Job, sa.Connection, Counts], None]
"""Takes a part as a whole, or looks at it when all of its rows are taken."""


@dataclass(frozen=True)
class Work:
    """How one part is taken: section by section in chunks, or whole in one transaction. `look`: once at its end."""

    part: Part
    sections: Sequence[str] = ()
    take: Take | None = None
    whole: Whole | None = None
    look: Whole | None = None
