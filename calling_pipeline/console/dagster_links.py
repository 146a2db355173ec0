"""Addresses of the Dagster UI behind what a page shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class DagsterLinks:
    """`base` is where people open the Dagster UI."""

    base: str

    def asset(self, name: str, day: dt.date | None = None) -> str:
        """The page of an asset, or of its partition of a day."""
        more = f"?view=partitions&partition={day}" if day is not None else ""
        return f"{self.base}/assets/{quote(name)}{more}"

    def check(self, asset: str, name: str) -> str:
        """The page of one of an asset's checks."""
        return f"{self.base}/assets/{quote(asset)}?view=checks&checkDetail={quote(name)}"

    def overview(self) -> str:
        """The page of what runs and what is scheduled."""
        return f"{self.base}/overview"

    def schedule(self, name: str) -> str:
        """The page of a schedule, with its ticks."""
        return f"{self.base}/locations/calling_pipeline.definitions/schedules/{quote(name)}"

    def page(self, path: str) -> str:
        """A page by its path, as alerts and rooms name it."""
        return f"{self.base}{path}"

    def run(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.base}/runs/{quote(run_id)}"

    def runs(self, tag: str, value: str) -> str:
        """The list of runs with a tag."""
        return f"{self.base}/runs?q[]={quote(f'tag:{tag}={value}', safe='')}"

    def job(self, name: str) -> str:
        """The page of a job."""
        return f"{self.base}/locations/calling_pipeline.definitions/jobs/{quote(name)}"
