"""What exports need of the runtime."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from calling_pipeline import days
from calling_pipeline.call_stats.retention import first_kept_days
from calling_pipeline.database.crypto import derive_key
from calling_pipeline.reports.exports.writing import Place
from calling_pipeline.runtime import Runtime


def folder_of(runtime: Runtime) -> Path:
    """Where the files lie."""
    return runtime.settings.home / "exports"


def place_of(runtime: Runtime) -> Place:
    """As the settings say."""
    settings = runtime.settings
    return Place(folder_of(runtime), dt.timedelta(hours=settings.export_hours), settings.agent_names)


def link_key(runtime: Runtime) -> bytes:
    """The key of links to files."""
    return derive_key(runtime.settings.secret_key_bytes(), "link of an export")


def oldest_day(runtime: Runtime) -> dt.date:
    """The first day whose call records may be kept."""
    settings = runtime.settings
    kept = first_kept_days(
        days.today(), cache_days=settings.cache_retention_days, record_days=settings.call_record_retention_days
    )
    return kept[1]
