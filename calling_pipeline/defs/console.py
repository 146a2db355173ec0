"""Where Dagster's pages lead to in the console: one address in the metadata of materializations and evaluations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from calling_pipeline import addresses
from calling_pipeline.runtime import Runtime


def in_console(runtime: Runtime, asset: str, day: dt.date | str | None = None) -> Mapping[str, dg.UrlMetadataValue]:
    """The page that shows what `asset` holds (of `day`), as metadata; empty where the console has no such page."""
    path = addresses.of_asset(asset, day)
    return {"console": dg.MetadataValue.url(f"{runtime.settings.address}{path}")} if path else {}


def with_runbook(runtime: Runtime, kind: str) -> Mapping[str, dg.UrlMetadataValue]:
    """What to do about alerts of `kind`, as metadata."""
    return {"runbook": dg.MetadataValue.url(f"{runtime.settings.address}{addresses.of_runbook(kind)}")}
