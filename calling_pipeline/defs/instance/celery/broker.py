"""The broker of CALLING_CELERY_BROKER as Celery takes it, and what both of its ends are set to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from dagster._serdes import ConfigurableClassData

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import Settings

if TYPE_CHECKING:
    from calling_pipeline.defs.instance.celery.launcher import CeleryLauncher

LONGEST_RUN_S = 43200
"""As `max_runtime_seconds` of dagster.yaml: a task that waits for its process so long was not lost."""
_BOTH_ENDS: Mapping[str, Any] = {
    "task_ignore_result": True,  # Dagster's event log has it
    "worker_prefetch_multiplier": 1,
    "worker_max_tasks_per_child": 1,  # a process for each run, as beside the code server
    "broker_connection_retry_on_startup": True,
    "worker_hijack_root_logger": False,
}
_NEEDED = (
    "CALLING_EXECUTOR is celery: set CALLING_CELERY_BROKER to the broker of the workers, redis://HOST:PORT/0 or"
    " postgresql://USER@HOST/DATABASE"
)


def address(settings: Settings) -> str:
    """The broker's address in Celery's words. Raises `ConfigurationError` without one, or for another kind."""
    if settings.celery_broker is None:
        raise ConfigurationError(_NEEDED)
    given = settings.celery_broker.get_secret_value()
    if given.startswith(("postgresql://", "postgres://")):
        url = sa.make_url(given.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg2")
        return f"sqla+{url.render_as_string(hide_password=False)}"
    if given.startswith(("redis://", "rediss://")):
        return given
    raise ConfigurationError(f"{_NEEDED}; {given.split('://', maxsplit=1)[0]} is neither")


def configuration(settings: Settings) -> dict[str, Any]:
    """What Celery is set to at both ends. Raises what `address` raises."""
    is_redis = address(settings).startswith("redis")
    options = {"visibility_timeout": LONGEST_RUN_S} if is_redis else {}  # PostgreSQL's are arguments of its engine
    return {**_BOTH_ENDS, "broker_transport_options": options}


def launcher(settings: Settings, inst_data: ConfigurableClassData | None) -> CeleryLauncher:
    """The launcher. Raises `ConfigurationError` without broker, or without the package dagster-celery."""
    broker, source = address(settings), configuration(settings)
    try:
        from calling_pipeline.defs.instance.celery.launcher import CeleryLauncher  # noqa: PLC0415 - 300 ms, a package
    except ImportError as error:
        raise ConfigurationError(
            f"CALLING_EXECUTOR is celery, and a package is missing ({error.name}): pip install 'calling-pipeline[celery]'"
        ) from None
    return CeleryLauncher(broker, source, inst_data)
