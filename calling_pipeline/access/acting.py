"""The person for whom work in this context is done, for what is made deep inside a library that knows no people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_person: ContextVar[str] = ContextVar("person", default="")


def current_person() -> str:
    """The name; empty where the program acts by itself."""
    return _person.get()


@contextmanager
def acting(name: str) -> Iterator[None]:
    """Within the block, and the threads begun in it with its context, work is done for this person."""
    token = _person.set(name)
    try:
        yield
    finally:
        _person.reset(token)
