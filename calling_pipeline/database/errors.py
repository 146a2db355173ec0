"""Which named rule of the database an error is about."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError


def violated_constraint(error: DBAPIError) -> str:
    """The name of the constraint or unique index that `error` violated, empty when it violated none."""
    diagnostics = getattr(error.orig, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""
