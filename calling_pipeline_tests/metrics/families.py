"""Every family that is served, under the names that rules and dashboards write."""

from __future__ import annotations

from calling_pipeline import days
from calling_pipeline.metrics import families
from calling_pipeline.metrics.parts import parts
from calling_pipeline.metrics.records import Family


def every_family() -> list[Family]:
    own = [family for part in parts(days.today()) for family in part.families]
    return [*own, families.SCRAPE_ERROR, families.SCRAPE_SECONDS]


def served_name(family: Family) -> str:
    return f"{family.name}_total" if family.kind == "counter" else family.name
