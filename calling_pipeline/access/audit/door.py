"""Which door the work in this context came through. Each door says so once, at its entrance; the audit log keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from calling_pipeline.access.audit.records import Door

_door: ContextVar[Door] = ContextVar("door", default="program")


def current_door() -> Door:
    """The door of the work in this context."""
    return _door.get()


@contextmanager
def through(door: Door) -> Iterator[None]:
    """Within the block, work comes through `door`."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)
