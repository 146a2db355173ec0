"""Names in a Dagster that several centres share, each a code location with a database of its own (CALLING_CENTRE).

Assets, jobs, runs, pools and limits are known by name in the whole of Dagster: those of a centre begin with its own. Without
a centre every name is what the code says.
"""

from __future__ import annotations

LOCATION = "calling_pipeline"
"""The code location of an installation that has no centre."""
TAG = "calling/centre"
"""The centre whose run it is; a run of an installation without one has no such tag."""


def named(centre: str, name: str) -> str:
    """A job, schedule, sensor, step or pool; the words of a name are joined as Dagster joins those of an asset's key."""
    return f"{centre}__{name}" if centre else name


def asset_path(centre: str, *asset: str) -> list[str]:
    """The key of an asset, part by part."""
    return [centre, *asset] if centre else list(asset)


def dagster_page(centre: str, path: str) -> str:
    """A page of the Dagster UI about an asset, named without its centre; other pages are the same for all."""
    known = path.startswith("/assets/")
    return f"/assets/{'/'.join(asset_path(centre, path.removeprefix('/assets/')))}" if known else path


def tag_value(centre: str, value: str) -> str:
    """The value of a tag by which the queue holds runs apart."""
    return f"{centre}/{value}" if centre else value


def location(centre: str) -> str:
    """The name that the workspace gives the code location."""
    return centre or LOCATION


def announced(centre: str, title: str) -> str:
    """The title of a message that leaves the system."""
    return f"[{centre}] {title}" if centre else title
