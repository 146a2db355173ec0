"""The settings of where Dagster's runs execute and of several centres in one Dagster; part of `settings.Settings`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class EngineSettings(BaseSettings):
    """One field a setting, as in `settings.Settings`; what they mean together is in docs/engines.md."""

    centre: str = Field(
        "",
        pattern=r"^([a-z][a-z0-9]{0,19})?$",
        description="Short name of this centre where several share one Dagster (docs/engines.md): keys, jobs, pools and"
        " alerts begin with it; unset: they do not",
    )
    executor: Literal["in_process", "celery"] = Field(
        "in_process",
        description="Where runs execute: `in_process`, each a process beside the code server; `celery`, on the processes of"
        " `calling-pipeline worker`",
    )
    celery_broker: SecretStr | None = Field(
        None, description="Broker of Celery: `redis://…` or `postgresql://…`; needed with CALLING_EXECUTOR=celery"
    )
    compute_logs: str = Field(
        "local",
        pattern=r"^(local|none|s3://[a-z0-9][a-z0-9.-]+(/.*)?)$",
        description="Where Dagster keeps what steps print: `local` in DAGSTER_HOME, `none`, or `s3://BUCKET/PREFIX`",
    )
