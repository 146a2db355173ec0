"""New databases beside old ones, and taking their place in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from calling_pipeline import days
from calling_pipeline.backups import store
from calling_pipeline.backups.records import DatabaseName
from calling_pipeline.backups.snapshots import own_connection
from calling_pipeline.errors import Busy, CallingError, ConfigurationError

_LEAVE_S = 1.0


@dataclass(frozen=True)
class Swap:
    """A database that a draft is to replace. `exists`: there is one now; `filled`: and it has tables."""

    name: DatabaseName
    target: URL
    draft: URL
    exists: bool
    filled: bool

    @property
    def server(self) -> tuple[object, ...]:
        """What tells one server from another."""
        return self.target.host, self.target.port, self.target.query.get("host")


def is_there(url: URL) -> bool:
    """Whether there is such a database; Dagster's is made at its first start. Raises `DatabaseUnavailable`."""
    with _maintenance(url.set(drivername="postgresql+psycopg", query=_host(url))) as connection:
        return store.exists(connection, url.database)


def prepared(name: DatabaseName, target: URL, token: str) -> Swap:
    """What is there now. Raises `Busy` while others use it."""
    target = target.set(drivername="postgresql+psycopg", query=_host(target))
    draft = target.set(database=f"{target.database}_restoring_{token}")
    with _maintenance(target) as connection:
        exists = store.exists(connection, target.database)
    if not exists:
        return Swap(name, target, draft, exists=False, filled=False)
    with own_connection(target) as connection:
        filled = store.has_tables(connection)
    return Swap(name, target, draft, exists=True, filled=filled)


def create(swap: Swap) -> None:
    """Make the draft, empty. Raises `ConfigurationError` when the role may not, `Busy` while others use the old one."""
    with _maintenance(swap.target) as connection:
        if users := _users_that_stay(connection, swap.target):
            raise _in_use(swap.target, users)
        try:
            store.create_database(connection, str(swap.draft.database))
        except DBAPIError as error:
            if isinstance(error.orig, errors.InsufficientPrivilege):
                raise ConfigurationError(
                    f"the role {swap.target.username} may not create databases, which a restore needs: ALTER ROLE"
                    f" {swap.target.username} CREATEDB, or restore as another role"
                ) from None
            raise


def drop_draft(swap: Swap) -> None:
    """Drop the draft where it is still there."""
    with suppress(DBAPIError, CallingError), _maintenance(swap.target) as connection:
        store.drop_database(connection, str(swap.draft.database))


def put_in_place(swaps: Sequence[Swap]) -> list[str]:
    """Give each draft the name of its target, those of one server at once; returns the names the old ones are kept under.

    An old database without tables is dropped. Raises `Busy` when others use one.
    """
    kept = []
    suffix = f"before_{days.now():%Y%m%d_%H%M%S}"
    for server in {swap.server: swap for swap in swaps}.values():
        here = [swap for swap in swaps if swap.server == server.server]
        with _maintenance(server.target, in_transaction=True) as connection:
            for swap in here:
                _take_place(connection, swap, suffix)
        for swap in here:
            old = swap.target.set(database=f"{swap.target.database}_{suffix}")
            if swap.filled:
                kept.append(str(old.database))
            elif swap.exists:
                with _maintenance(server.target) as connection:
                    store.drop_database(connection, str(old.database))
    return kept


def _host(url: URL) -> dict[str, Any]:
    """Of what an address asks for, the folder of the server's socket alone."""
    return {name: value for name, value in url.query.items() if name == "host"}


def _take_place(connection: sa.Connection, swap: Swap, suffix: str) -> None:
    try:
        if swap.exists:
            store.rename_database(connection, str(swap.target.database), f"{swap.target.database}_{suffix}")
        store.rename_database(connection, str(swap.draft.database), str(swap.target.database))
    except DBAPIError as error:
        if isinstance(error.orig, errors.ObjectInUse):
            raise _in_use(swap.target, 1) from None
        raise


def _users_that_stay(connection: sa.Connection, target: URL) -> int:
    """How many sessions use the database and go on doing so: one that was closed just now is seen for a moment still."""
    deadline = time.monotonic() + _LEAVE_S
    while users := store.sessions(connection, target.database):
        if time.monotonic() > deadline:
            return users
        time.sleep(0.05)
    return 0


def _in_use(target: URL, users: int) -> Busy:
    return Busy(
        f"{users} sessions use the database {target.database}; stop the system (`make down`, its services, its pooler) and"
        " restore again"
    )


@contextmanager
def _maintenance(url: URL, *, in_transaction: bool = False) -> Iterator[sa.Connection]:
    """A connection to the server's own database `postgres`."""
    server = url.set(database="postgres")
    if not in_transaction:
        with own_connection(server, isolation="AUTOCOMMIT") as connection:
            yield connection
        return
    with own_connection(server) as connection, connection.begin():
        yield connection
