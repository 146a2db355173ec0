"""Errors of the driver say what is wrong and repeat no data, whoever prints them: a log, Dagster, a traceback.

PostgreSQL adds the row it refused (DETAIL), the line it was reading (CONTEXT) and values of the statement. Programs still
find all of that in `error.diag`.
"""

from __future__ import annotations

import re

import psycopg

from calling_pipeline.masking import mask_digits

_QUOTED = re.compile(r'"[^"]*"?|\'[^\']*\'?')
_DATA_EXCEPTION = "22"
"""The class of states whose message quotes the value that was refused; others quote names of tables and constraints."""


def sentence(text: str, sqlstate: str | None) -> str:
    """The first line of a driver's message, digits that may be a number of a phone masked, refused values left out."""
    first = next(iter(text.strip().splitlines()), "")
    if (sqlstate or "").startswith(_DATA_EXCEPTION):
        first = _QUOTED.sub("(a value)", first)
    return mask_digits(first)


def _text(error: psycopg.Error) -> str:
    return sentence(Exception.__str__(error), error.sqlstate)


def _form(error: psycopg.Error) -> str:
    return f"{type(error).__name__}({_text(error)!r})"


for _name, _method in (("__str__", _text), ("__repr__", _form)):
    setattr(psycopg.Error, _name, _method)  # tracebacks, logs and SQLAlchemy's own messages print by them
