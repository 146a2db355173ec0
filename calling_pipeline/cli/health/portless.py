"""The roles that listen on no port: they are seen in Dagster's database and among the processes of this machine."""

from __future__ import annotations

from calling_pipeline.cli.health.daemon import daemon
from calling_pipeline.cli.health.worker import worker

LOOKS = {"daemon": daemon, "worker": worker}
