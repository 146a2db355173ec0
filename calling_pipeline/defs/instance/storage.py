"""Where Dagster keeps its own state, as `dagster.yaml` names it: PostgreSQL, at CALLING_DAGSTER_DATABASE_URL.

Without that setting an instance can be made all the same, so that `dagster definitions validate` and `dg check defs` work
in a fresh clone; the first use of what is stored says what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresRunStorage
from dagster_postgres.auth import PgTokenProvider

from calling_pipeline.access.acting import current_person
from calling_pipeline.centres import TAG
from calling_pipeline.database.engine import dagster_url
from calling_pipeline.defs.acting import PERSON_TAG
from calling_pipeline.defs.instance.connections import share_connections
from calling_pipeline.defs.instance.logs import set_form
from calling_pipeline.defs.instance.one_daemon import be_the_daemon
from calling_pipeline.defs.instance.pace import set_pace
from calling_pipeline.defs.naming import centre_of_run
from calling_pipeline.defs.queueing import BACKFILLS
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import load

if TYPE_CHECKING:  # to import the daemon's types is to import the daemon
    from dagster._core.execution.backfill import PartitionBackfill
    from dagster._core.storage.dagster_run import DagsterRun
    from dagster._daemon.types import DaemonHeartbeat

NOT_SET = (
    "CALLING_DAGSTER_DATABASE_URL is not set: start Dagster by `calling-pipeline up` or `calling-pipeline exec -- COMMAND`,"
    " or set it to a PostgreSQL address"
)
_HAS_TABLES: set[str] = set()
"""Addresses whose tables this process has seen: to look takes three queries, and every tick makes an instance."""
_NOWHERE = "postgresql+psycopg2://127.0.0.1:1/none"


class InstanceStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage with the driver and the session's time zone that it needs, whatever the address says."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> InstanceStorage:
        """Read the setting; tables are made only where there is a database."""
        set_pace()
        settings = load()
        set_form(settings)
        given = settings.dagster_database_url
        if given is not None:
            url = dagster_url(given.get_secret_value()).render_as_string(hide_password=False)
            made = cls(url, should_autocreate_tables=url not in _HAS_TABLES, inst_data=inst_data)
            made._run_storage = _Runs(url, should_autocreate_tables=False)
            _HAS_TABLES.add(url)
            share_connections(url, made.run_storage, made.event_log_storage, made.schedule_storage)
            return made
        nowhere = cls(_NOWHERE, should_autocreate_tables=False, inst_data=inst_data, token_provider=_Refusal())
        nowhere._run_storage = _NoRuns(_NOWHERE, should_autocreate_tables=False, token_provider=_Refusal())
        return nowhere


def _of_centre(run: DagsterRun) -> dict[str, str]:
    """The tags by which the queue holds the runs of centres apart; of *Materialize* and backfills only the storage knows."""
    centre = centre_of_run(run)
    own = {TAG: centre} if centre else {}
    return {**own, BACKFILLS: centre or "all"} if "dagster/backfill" in run.tags else own


def _of_person(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags, with the person for whom the work of this context is done; a name that was given as a tag proves nothing."""
    person = current_person()
    return {**tags, PERSON_TAG: person} if person else dict(tags)


class _Runs(PostgresRunStorage):
    """Dagster's own, which lets one daemon at a time say that it lives, and tags runs with person and centre."""

    def add_run(self, dagster_run: DagsterRun) -> DagsterRun:
        return super().add_run(dagster_run.with_tags({**_of_person(dagster_run.tags), **_of_centre(dagster_run)}))

    def add_backfill(self, partition_backfill: PartitionBackfill) -> None:
        super().add_backfill(partition_backfill._replace(tags=_of_person(partition_backfill.tags)))

    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        be_the_daemon(self.postgres_url)
        super().add_daemon_heartbeat(daemon_heartbeat)


class _NoRuns(PostgresRunStorage):
    """No database: no state of definitions is kept in it, which is all that validating them asks for."""

    def get_cursor_values(self, keys: set[str]) -> Mapping[str, str]:
        return {}


class _Refusal(PgTokenProvider):
    """Asked before every connection is opened."""

    def _fetch_token(self) -> tuple[str, float]:
        raise ConfigurationError(NOT_SET)
