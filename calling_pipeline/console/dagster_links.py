"""Addresses of the Dagster UI behind what a page shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import quote

from calling_pipeline.centres import TAG, asset_path, location, named, tag_value

QUEUED_BY = frozenset({"calling/task", "calling/lock", "calling/class"})
"""Tags whose values are the centre's own, for the queue holds runs apart by them."""


@dataclass(frozen=True)
class DagsterLinks:
    """`base` is where people open the Dagster UI; what is linked is of `centre`, if that shares it with others."""

    base: str
    centre: str = ""

    def asset(self, name: str, day: dt.date | None = None) -> str:
        """The page of an asset, or of its partition of a day."""
        more = f"?view=partitions&partition={day}" if day is not None else ""
        return f"{self._asset(name)}{more}"

    def check(self, asset: str, name: str) -> str:
        """The page of one of an asset's checks."""
        return f"{self._asset(asset)}?view=checks&checkDetail={quote(name)}"

    def overview(self) -> str:
        """The page of what runs and what is scheduled."""
        return f"{self.base}/overview"

    def schedule(self, name: str) -> str:
        """The page of a schedule, with its ticks."""
        return f"{self.base}/locations/{location(self.centre)}/schedules/{quote(named(self.centre, name))}"

    def page(self, path: str) -> str:
        """A page by its path, as alerts and rooms name it."""
        return f"{self.base}{path}"

    def run(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.base}/runs/{quote(run_id)}"

    def runs(self, tag: str, value: str) -> str:
        """The list of runs with a tag."""
        wanted = {
            tag: tag_value(self.centre, value) if tag in QUEUED_BY else value,
            **({TAG: self.centre} if self.centre else {}),
        }
        return f"{self.base}/runs?{'&'.join('q[]=' + quote(f'tag:{name}={one}', safe='') for name, one in wanted.items())}"

    def job(self, name: str) -> str:
        """The page of a job."""
        return f"{self.base}/locations/{location(self.centre)}/jobs/{quote(named(self.centre, name))}"

    def _asset(self, name: str) -> str:
        return f"{self.base}/assets/{'/'.join(map(quote, asset_path(self.centre, name)))}"
