"""The names under which Dagster knows what this process defines: a code location is of one centre (`centres.py`).

Everything in `defs/` that declares, logs or looks for something by name asks here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import dagster as dg

from calling_pipeline import centres
from calling_pipeline.addresses import ASSETS
from calling_pipeline.settings import load

CENTRE = load().centre
"""The centre of this process; empty for an installation without one."""


def named(name: str) -> str:
    """The name of a job, schedule, sensor, step or pool."""
    return centres.named(CENTRE, name)


def asset_key(*asset: str) -> dg.AssetKey:
    """The key of one of our assets."""
    return dg.AssetKey(centres.asset_path(CENTRE, *asset))


def plain(key: dg.AssetKey) -> str:
    """The name of an asset as the code, the database and the console know it; keys of others as Dagster writes them."""
    ours = [CENTRE] if CENTRE else []
    return "/".join(key.path[len(ours) :] if list(key.path[: len(ours)]) == ours else key.path)


def plain_name(name: str) -> str:
    """A job, schedule or sensor as the code knows it."""
    return name.removeprefix(centres.named(CENTRE, ""))


def tag_value(value: str) -> str:
    """The value of a tag by which the queue holds runs apart."""
    return centres.tag_value(CENTRE, value)


def job_tags(tags: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tags of a job, with that of its centre."""
    return {**({centres.TAG: CENTRE} if CENTRE else {}), **(tags or {})}


def asset_job(name: str, *assets: str, description: str, tags: Mapping[str, str] | None = None) -> Any:
    """A job over assets of ours."""
    selection = dg.AssetSelection.assets(*map(asset_key, assets))
    return dg.define_asset_job(named(name), selection=selection, description=description, tags=job_tags(tags))


def centre_of_key(key: dg.AssetKey) -> str:
    """The centre that an asset is of; empty for those of an installation without one, and for keys of other projects."""
    return key.path[0] if len(key.path) == 2 and key.path[1] in ASSETS else ""


def centre_of_run(run: dg.DagsterRun) -> str:
    """The centre whose run it is: by its tag, else by what it was asked for."""
    if centres.TAG in run.tags:
        return run.tags[centres.TAG]
    keys: Iterable[dg.AssetKey] = run.asset_selection or [one.asset_key for one in run.asset_check_selection or ()]
    return next((centre for key in keys if (centre := centre_of_key(key))), "")


def is_our_name(name: str, known: Collection[str]) -> bool:
    """Whether a schedule or sensor is of this centre; `known`: what ours are called without a centre."""
    if CENTRE:
        return name.startswith(centres.named(CENTRE, ""))
    return name.partition("__")[2] not in known


def is_ours(run: dg.DagsterRun) -> bool:
    """Whether a run is of this process's centre; without one, whether it is of no centre."""
    return centre_of_run(run) == CENTRE
