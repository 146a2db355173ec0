"""The settings of where Dagster's runs execute and of several centres in one Dagster; part of `settings.Settings`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class EngineSettings(BaseSettings):
    """One field a setting, as in `settings.Settings`; what they mean together is in docs/engines.md."""

    centre: str = Field(
        "",
        pattern=r"^([a-z][a-z0-9]{0,19})?$",
        description="Short name of this centre where several share one Dagster (docs/engines.md): keys, jobs, pools and"
        " alerts begin with it; unset: they do not",
    )
