"""Starts runs as CALLING_EXECUTOR says, and can tell Dagster's run monitoring which of them are dead.

The default launcher cannot: after a crash of the host its runs would stay STARTED without end, and "skip while the last run
is not done" would skip without end. Which proof is asked for is in `workers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._core.launcher import DefaultRunLauncher
from dagster._serdes import ConfigurableClassData

from calling_pipeline.defs.instance.celery import broker
from calling_pipeline.defs.instance.judging import JudgedByLock
from calling_pipeline.settings import load


class RunLauncher(JudgedByLock, DefaultRunLauncher):
    """Dagster's default launcher with a health check of its runs; `dagster.yaml` names it for every setting."""

    @classmethod
    def from_config_value(  # type: ignore[override]  # another launcher, where the setting says so
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> JudgedByLock:
        """Read the setting. Raises `ConfigurationError` for Celery without its broker or its package."""
        settings = load()
        if settings.executor == "in_process":
            return cls(inst_data)
        return broker.launcher(settings, inst_data)
