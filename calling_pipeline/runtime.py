"""What every process has: settings, the database and secrets. Opens nothing until it is used.

What a room needs beyond that it builds itself: `from_runtime` in its `dependencies.py`.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline import days, measures, tracing
from calling_pipeline.database import kept_measures
from calling_pipeline.database.create import ensure_database
from calling_pipeline.database.credentials import CredentialStore
from calling_pipeline.database.crypto import SecretBox, phone_key_of
from calling_pipeline.database.engine import business_url, dagster_url, make_engine, reachable
from calling_pipeline.database.pooling import require_sessions
from calling_pipeline.database.revisions import require_current
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.private import keep_files_private, log_in
from calling_pipeline.settings import Settings, load

BUSINESS_DATABASE = "calling"
DAGSTER_DATABASE = "dagster"
FIRST_SYNC = dt.timedelta(days=10)
"""How far back the first sync of a new installation reads."""


class Runtime:
    """One per process. Tests build it from settings of their own, and may pass in an engine.

    `may_create`: the embedded database is made when there is none; for the commands that begin an installation.
    """

    def __init__(self, settings: Settings, *, engine: sa.Engine | None = None, may_create: bool = False) -> None:
        self.settings = settings
        self._may_create = may_create
        if engine is not None:
            self.__dict__["engine"] = self._knowing_secrets(engine)
        if settings.clock_start is not None:
            days.set_clock(days.clock_starting_at(settings.clock_start))
        measures.keep_with(self._keep)

    @classmethod
    def load(cls, *, may_create: bool = False, **overrides: Any) -> Runtime:
        """From the environment and `.env`, for a process of its own: what it writes is private to its user."""
        made = cls(load(**overrides), may_create=may_create)
        log_in(made.settings.log_format)
        if made.settings.traces_url is not None:
            tracing.start(made.settings.traces_url)
        keep_files_private(made.settings.home)
        return made

    @cached_property
    def database_url(self) -> URL:
        """The business database; starts the embedded server when none is configured.

        Raises `ConfigurationError` when there is none in CALLING_HOME: one made in the wrong folder looks like lost data.
        """
        if self.settings.database_url is not None:
            return business_url(self.settings.database_url.get_secret_value())
        from calling_pipeline.database import embedded  # noqa: PLC0415 - 30 ms of every run that Dagster starts

        folder = self.settings.home / "postgres"
        if not self._may_create and not embedded.exists(folder):
            raise ConfigurationError(
                f"there is no database in {folder}, and CALLING_DATABASE_URL is not set: {self.settings.where_home_is()};"
                " `calling-pipeline up` and `calling-pipeline migrate` make one"
            )
        server = embedded.start(folder)
        return ensure_database(business_url(server.get_uri()), BUSINESS_DATABASE)

    @cached_property
    def direct_url(self) -> URL:
        """The address of PostgreSQL itself, where `database_url` leads through a pooler; else the same."""
        given = self.settings.database_direct_url
        if given is None:
            return self.database_url
        return business_url(given.get_secret_value(), "CALLING_DATABASE_DIRECT_URL")

    @cached_property
    def dagster_url(self) -> URL:
        """Dagster's own database, with the driver it needs; on the business server when none is configured."""
        if self.settings.dagster_database_url is not None:
            return dagster_url(self.settings.dagster_database_url.get_secret_value())
        beside = ensure_database(self.direct_url, DAGSTER_DATABASE)
        return dagster_url(beside.render_as_string(hide_password=False))

    @property
    def _direct(self) -> URL | None:
        """The server's own address, where the business database is reached through a pooler."""
        return self.direct_url if self.direct_url != self.database_url else None

    @property
    def existing_dagster_url(self) -> URL:
        """Dagster's database where it should be, with the driver of the business database; made by nobody for asking."""
        given = self.settings.dagster_database_url
        if given is not None:
            return dagster_url(given.get_secret_value()).set(drivername=self.database_url.drivername)
        return self.direct_url.set(database=DAGSTER_DATABASE)

    @cached_property
    def engine(self) -> sa.Engine:
        """Connections to the business database."""
        return self._knowing_secrets(make_engine(self.database_url, direct=self._direct))

    @cached_property
    def secrets(self) -> SecretBox:
        """Encrypts and opens the vendor secrets that are stored."""
        return SecretBox(self.settings.secret_key_bytes(), self.settings.previous_key_bytes())

    @cached_property
    def credentials(self) -> CredentialStore:
        """The access tokens of vendors, shared by all processes."""
        return CredentialStore(self.engine, self.secrets)

    @cached_property
    def phone_key(self) -> bytes:
        """Key of `masking.phone_hash`."""
        return phone_key_of(self.settings.secret_key_bytes())

    @property
    def phone_keys(self) -> tuple[bytes, ...]:
        """The keys by which a stored hash may have been made: the one in use and, during a rotation, the one before."""
        previous = self.previous_phone_key
        return (self.phone_key,) if previous is None else (self.phone_key, previous)

    @property
    def previous_phone_key(self) -> bytes | None:
        """The key of phone hashes before, during a rotation."""
        previous = self.settings.previous_key_bytes()
        return None if previous is None else phone_key_of(previous)

    def with_sessions(self, options: str) -> Runtime:
        """This runtime with an engine of its own, whose sessions have `options` (see `database.engine.session_limits`)."""
        made = copy.copy(self)
        made.__dict__.pop("credentials", None)  # it holds the engine
        engine = make_engine(self.database_url, options=options, direct=self._direct)
        made.__dict__["engine"] = made._knowing_secrets(engine)
        return made

    def _knowing_secrets(self, engine: sa.Engine) -> sa.Engine:
        """Connections of the engine can open what is sealed in the database, when that is asked for."""
        engine.update_execution_options(secret_box=lambda: self.secrets)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed when the block ends well."""
        with reachable(self.engine) as connection, connection.begin():
            yield connection

    def migrate(self) -> tuple[str | None, str]:
        """Bring the database to the newest schema; returns the revisions before and after.

        The daily partitions of a new installation begin with the first day that its first sync reads. Raises what
        `migrate.upgrade` raises.
        """
        before, after = _migrations().upgrade(self.engine)
        if before is None:
            self.settings.keep_first_partition(days.today() - FIRST_SYNC)
        return before, after

    def require_schema(self) -> None:
        """Raise a `ConfigurationError` unless the database is migrated, and reached in a way that works."""
        require_sessions(self.engine)
        with reachable(self.engine) as connection:
            require_current(connection)

    def _keep(self, sums: Mapping[measures.Key, measures.Sum]) -> bool:
        """Write what this process noted, once it has used the database; it is not connected to for that alone."""
        return not self.__dict__.keys().isdisjoint(("database_url", "engine")) and kept_measures.keep(self.engine, sums)

    def close(self) -> None:
        """Write what was noted for `/metrics`, and give the database connections back."""
        measures.stop_keeping(self._keep)
        if "engine" in self.__dict__:
            self.engine.dispose()


def _migrations() -> ModuleType:
    from calling_pipeline.database import migrate  # noqa: PLC0415 - alembic: 80 ms of every run that Dagster starts

    return migrate
