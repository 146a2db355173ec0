"""Connections to Dagster's database that are kept between uses.

Dagster opens one for every query: 29 per second when nothing is to be done, each with a log-in and a process of PostgreSQL.
Here all instances of a process share one pool per address. A connection is tried before it is used, so that a restart of the
server is not noticed; what is beyond `KEPT` is closed after use. The webserver has a pool of its own, which Dagster makes.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import sqlalchemy as sa
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine

KEPT = 3
AT_ONCE = 60
OLDEST_S = 900


def share_connections(storage: DagsterPostgresStorage) -> None:
    """Let the three parts of `storage` use the pool of this process."""
    engine = _engine(storage.postgres_url)
    parts: tuple[Any, ...] = (storage.run_storage, storage.event_log_storage, storage.schedule_storage)
    for part in parts:
        part._engine = engine  # Dagster itself replaces it so, in its method for the webserver


@cache
def _engine(url: str) -> sa.Engine:
    engine = create_pg_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT,
        max_overflow=AT_ONCE - KEPT,
        pool_pre_ping=True,
        pool_recycle=OLDEST_S,
    )
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine
