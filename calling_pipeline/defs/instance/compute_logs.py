"""What steps print, kept as CALLING_COMPUTE_LOGS says: on this disk, in object storage, or nowhere.

On a disk only the host where a run executed can show it; with several hosts, object storage or none is the choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._config.config_schema import UserConfigSchema
from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._serdes import ConfigurableClassData

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import load

_LOCAL_COPIES = 30
"""Seconds after which what a step printed so far is in object storage."""


class ComputeLogs(LocalComputeLogManager):
    """Dagster's own manager of the setting; this class itself is `local`, in the folder of the instance."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]  # another manager, where the setting says so
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> ComputeLogManager[Any]:
        """Read the setting. Raises `ConfigurationError` for object storage without the package that writes there."""
        wanted = load().compute_logs
        if wanted == "local":
            return cls("", inst_data=inst_data)
        return NoOpComputeLogManager(inst_data) if wanted == "none" else _object_storage(wanted, inst_data)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Learn the folder: where Dagster keeps its logs without this class too."""
        super().register_instance(instance)
        self._base_dir = instance.storage_directory()


def _object_storage(address: str, inst_data: ConfigurableClassData | None) -> ComputeLogManager[Any]:
    try:
        from dagster_aws.s3 import S3ComputeLogManager  # noqa: PLC0415 - 900 ms, and a package of its own
    except ImportError:
        raise ConfigurationError(
            f"CALLING_COMPUTE_LOGS is {address}, and the package dagster-aws is not installed:"
            " pip install 'calling-pipeline[s3]'"
        ) from None
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    made: ComputeLogManager[Any] = S3ComputeLogManager(
        bucket=bucket,
        prefix=prefix.strip("/") or "dagster",
        skip_empty_files=True,
        upload_interval=_LOCAL_COPIES,
        inst_data=inst_data,
    )
    return made
