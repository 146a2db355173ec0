"""Which schema a database has, and whether this program runs on it. Imports no Alembic: every process asks at its start.

A database keeps beside its revision with which older programs it works: `runs_with`, a comment on Alembic's own table,
which a program of the release before can read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from psycopg import sql

from calling_pipeline.errors import ConfigurationError

Standing = Literal["empty", "older", "current", "newer"]
_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_BEFORE = re.compile(r"""^down_revision[^=\n]*=\s*"([^"]+)\"""", re.MULTILINE)
_NOTE = "runs_with"
_READ = sa.text("SELECT version_num, obj_description('alembic_version'::regclass) AS note FROM alembic_version")
_HAS_TABLE = sa.text("SELECT to_regclass('alembic_version') IS NOT NULL")


@cache
def known_revisions() -> Sequence[str]:
    """The revisions this program knows, oldest first."""
    before = {}
    for file in _VERSIONS.glob("[0-9]*.py"):
        found = _BEFORE.search(file.read_text(encoding="utf-8"))
        before[found.group(1) if found else None] = file.stem
    chain: list[str] = []
    while (following := before.get(chain[-1] if chain else None)) is not None:
        chain.append(following)
    return chain


def newest_revision() -> str:
    """The revision this program was written for."""
    return known_revisions()[-1]


def current_revision(connection: sa.Connection) -> str | None:
    """The revision of the database, None before its first migration."""
    return _seen(connection)[0]


def standing(connection: sa.Connection) -> tuple[str | None, Standing]:
    """The revision of the database, and how it stands to this program; cheap enough to be asked every few seconds.

    A newer schema that says this program runs on it counts as current.
    """
    revision, with_older = _seen(connection)
    if revision is None:
        return None, "empty"
    if revision == newest_revision() or newest_revision() in with_older:
        return revision, "current"
    return revision, "older" if revision in known_revisions() or revision < newest_revision() else "newer"


def runs_on(connection: sa.Connection) -> bool:
    """Whether the database is newer than this program, and says that this program runs on it all the same."""
    revision, with_older = _seen(connection)
    return revision not in known_revisions() and newest_revision() in with_older


def require_current(connection: sa.Connection) -> None:
    """Raise `ConfigurationError` unless this program runs on the schema of the database."""
    revision, with_older = _seen(connection)
    if revision == newest_revision() or newest_revision() in with_older:
        return
    refuse_unknown(revision)
    raise ConfigurationError("the database schema is older than this program; run `calling-pipeline migrate`")


def refuse_unknown(revision: str | None) -> None:
    """Raise `ConfigurationError` for a revision that this program does not know."""
    known = known_revisions()
    if revision is None or revision in known:
        return
    if revision < known[0]:
        raise ConfigurationError(
            f"the database schema ({revision}) is of a version before the first release; this program begins at {known[0]}"
        )
    raise ConfigurationError(
        f"the database schema ({revision}) is newer than this program (up to {newest_revision()}); upgrade the program"
    )


def keep_runs_with(connection: sa.Connection, revisions: Sequence[str]) -> None:
    """Let programs written for these revisions run on the schema as it is now."""
    note = sql.Literal(json.dumps({_NOTE: list(revisions)}))
    connection.exec_driver_sql(sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(note).as_string())


def _seen(connection: sa.Connection) -> tuple[str | None, Sequence[str]]:
    """The revision, and those whose programs run on it."""
    if not connection.execute(_HAS_TABLE).scalar_one():
        return None, ()
    row = connection.execute(_READ).one_or_none()
    if row is None:
        return None, ()
    try:
        return row.version_num, json.loads(row.note or "{}").get(_NOTE, ())
    except (ValueError, AttributeError):  # another one's comment
        return row.version_num, ()
