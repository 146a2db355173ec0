"""Statements that live in `.sql` files beside the store that runs them, loaded by name.

A file holds one statement. Its header comment says what the statement promises; parameters are written `:name` and a
cast `CAST(x AS t)` or `x::t`. `load` gives it to SQLAlchemy, `load_driver` to psycopg.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import sqlalchemy as sa

_PACKAGE = "calling_pipeline"
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_SLOT = re.compile(r"\{(\w+)\}")


@cache
def text_of(path: str) -> str:
    """The text of `path` (`"call_batches/calls/record"` names `call_batches/calls/sql/record.sql`), header included.

    Raises `FileNotFoundError` when there is no such file.
    """
    folder, name = path.rsplit("/", 1)
    return resources.files(_PACKAGE).joinpath(folder, "sql", f"{name}.sql").read_text(encoding="utf-8")


def statement_of(path: str, **slots: str) -> str:
    """The statement of `path` without comments and the closing semicolon, its `{slots}` filled with trusted SQL.

    Raises `KeyError` for a slot that is not given.
    """
    lines = (line.partition("-- ")[0].rstrip() for line in text_of(path).splitlines())
    bare = "\n".join(line for line in lines if line and line != "--").rstrip(";\n")
    return _SLOT.sub(lambda slot: slots[slot.group(1)], bare) if slots else bare


def load(path: str, **slots: str) -> sa.TextClause:
    """The statement of `path` for SQLAlchemy."""
    return sa.text(statement_of(path, **slots))


def load_driver(path: str, **slots: str) -> str:
    """The statement of `path` for psycopg: `%(name)s` for `:name`, `%%` for `%`."""
    return _PARAMETER.sub(r"%(\1)s", statement_of(path, **slots).replace("%", "%%"))
