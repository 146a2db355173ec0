"""Connections to Dagster's database that are kept between uses.

Dagster opens one for every query: 29 per second when nothing is to be done, each with a log-in and a process of PostgreSQL.
Here all instances of a process share one pool per address. A connection that the server has closed is not used again, so
that a restart of the server is not noticed: its socket shows that without a question to the server. What is beyond `KEPT`
is closed after use. The webserver has a pool of its own, which Dagster makes.
"""

from __future__ import annotations

import os
import select
from functools import cache
from typing import Any

import sqlalchemy as sa
from dagster_postgres.utils import create_pg_engine

KEPT = 3
AT_ONCE = 60
OLDEST_S = 900


def share_connections(url: str, runs: Any, events: Any, schedules: Any) -> None:
    """Let the three parts of a storage use the pool of this process for `url`."""
    engine = _engine(url)
    for part in (runs, events, schedules):
        part._engine = engine  # Dagster itself replaces it so, in its method for the webserver
    _remember_what_is_built(runs, events, schedules, known=_known(url))


def _remember_what_is_built(runs: Any, events: Any, schedules: Any, *, known: dict[str, bool]) -> None:
    """Tables and indexes of Dagster's own migrations: it looked for them at every tick, several times."""
    runs._index_migration_cache = events._secondary_index_cache = known  # its own names; both are migrated together
    look = schedules.has_built_index

    def has_built_index(name: str) -> bool:
        if not known.get(name):
            known[name] = look(name)
        return known[name]

    schedules.has_built_index = has_built_index
    schedules._has_instigators_table = lambda _: True
    schedules.has_instigators_table = schedules.has_secondary_index_table = lambda: True


@cache
def _known(url: str) -> dict[str, bool]:
    return {}


@cache
def _engine(url: str) -> sa.Engine:
    engine = create_pg_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT,
        max_overflow=AT_ONCE - KEPT,
        pool_recycle=OLDEST_S,
        hide_parameters=True,
    )
    sa.event.listen(engine, "checkout", _refuse_closed)
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine


def _refuse_closed(connection: Any, record: object, proxy: object) -> None:
    """Let the pool open another in place of a connection that the server closed: there is something to read, the end."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLHUP)
    if waiting.poll(0):
        raise sa.exc.InvalidatePoolError("the server closed the connection")
