"""What follows a migration, whichever door asked for it."""

from __future__ import annotations

import sqlalchemy as sa

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.people.people import ensure_admin


def after_migration(connection: sa.Connection, before: str | None, after: str, *, by: str) -> None:
    """A new installation gets its first admin, and a change of the schema is noted, as far as `after` has the tables."""
    tables = sa.inspect(connection).get_table_names()
    if "people" in tables:
        ensure_admin(connection)
    if before != after and "audit_log" in tables:
        note_act(connection, "schema.migrate", f"schema:{after}", by=by, before={"revision": before})
