"""Notes of work on assets, for the pages of Dagster.

Whoever changes what an asset shows says so in the same transaction, whichever door asked for it; a sensor reports it. A run
of Dagster that materializes the asset reports it itself: within `reported_by_run` nothing is noted for its assets.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import sqlalchemy as sa

from calling_pipeline.activity import store

_own: ContextVar[frozenset[str]] = ContextVar("assets that the run in this context reports itself", default=frozenset())


@contextmanager
def reported_by_run(assets: Collection[str]) -> Iterator[None]:
    """Within the block, work on `assets` is reported by the run that does it."""
    token = _own.set(_own.get() | frozenset(assets))
    try:
        yield
    finally:
        _own.reset(token)


def note(connection: sa.Connection, asset: str, day: dt.date | None, *, by: str = "", **numbers: int | float | str) -> None:
    """Note work on `asset` (for `day`, when it has days) in the caller's transaction, with figures for people."""
    if asset not in _own.get():
        store.add(connection, asset, day, numbers, by)


def note_judgeable(connection: sa.Connection, asset: str, day: dt.date | None) -> None:
    """Note that what `asset` shows stays, but its checks have something new to judge: a read that is held, say."""
    note(connection, asset, day, only_judged=True)
