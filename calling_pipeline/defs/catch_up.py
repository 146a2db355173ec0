"""`cache_warm_up`: after any downtime every daily asset fills its holes by itself, in bounded runs, newest days first.

A hole is a day that was never read, or read last before it was over, between the oldest stored day and today. The stats
tracks want the last ten days in any case, so that a first start fills them. What calls or messages people is no hole to be
filled: its own sensors decide what is still to be done.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from calling_pipeline import days
from calling_pipeline.defs.naming import asset_key, named
from calling_pipeline.defs.queueing import LAST, busy
from calling_pipeline.defs.windows import RANGE_END, RANGE_START, SYNC_TYPE
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings

DAYS_PER_RUN = 11
"""So that a first start reads T-10 … today in one run."""
SETTLED = dt.timedelta(hours=2)
"""A day that is over by less has its last sync still ahead in the timetable."""
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(hours=1), dt.timedelta(hours=24)
"""A day that was asked for and is still a hole is asked for again after a pause that doubles each time."""
REST_EVERY = dt.timedelta(minutes=10)
"""How often the rooms without a cache to answer from are looked at."""

ReadAt = Mapping[dt.date, dt.datetime | None]
"""Stored days, and when each was last read; None where that is not known and the day counts as whole."""


@dataclass(frozen=True)
class Filling:
    """One job whose daily assets fill their holes.

    `stored(runtime, instance, first, last)` tells what there is. The last `always` days are wanted even when nothing is
    stored; with `includes_today` today too. `within` so many days.
    """

    name: str
    job: str
    stored: Callable[[Runtime, dg.DagsterInstance, dt.date, dt.date], ReadAt]
    always: int = 0
    includes_today: bool = False
    within: Callable[[Settings], int] = lambda settings: settings.catch_up_days


@dataclass
class Attempts:
    """The sensor's cursor: how often, and when last, each hole was asked for; when the rest was last looked at."""

    tried: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    rest_at: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "Attempts":
        """From the cursor; a new one where there is none."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def write(self) -> str:
        """As the cursor."""
        return json.dumps({"tried": self.tried, "rest_at": self.rest_at})

    def next_try(self, name: str, day: dt.date) -> dt.datetime | None:
        """When the hole may be asked for again; None when it never was."""
        if day.isoformat() not in self.tried.get(name, {}):
            return None
        count, at = self.tried[name][day.isoformat()]
        pause: dt.timedelta = FIRST_PAUSE * 2 ** min(count - 1, 10)
        return dt.datetime.fromisoformat(at) + min(pause, LONGEST_PAUSE)

    def note(self, name: str, asked: Sequence[dt.date], now: dt.datetime) -> None:
        """These days are asked for now."""
        before = self.tried.setdefault(name, {})
        for day in asked:
            count, _ = before.get(day.isoformat(), (0, ""))
            before[day.isoformat()] = (count + 1, now.isoformat())

    def forget_all_but(self, name: str, holes: Sequence[dt.date]) -> None:
        """Days that are no holes any more."""
        kept = {day.isoformat() for day in holes}
        self.tried[name] = {day: state for day, state in self.tried.get(name, {}).items() if day in kept}


def cache_warm_up(
    caches: Sequence[Filling], rest: Sequence[Filling], jobs: Sequence[Any], daily: dg.DailyPartitionsDefinition
) -> dg.SensorDefinition:
    """The sensor. `caches` are looked at on every tick and go first, the `rest` every ten minutes."""

    @dg.sensor(
        name=named("cache_warm_up"),
        jobs=list(jobs),
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Fills the days that daily assets lack after a downtime, back to CALLING_CATCH_UP_DAYS: for each job one"
        f" run at a time over at most {DAYS_PER_RUN} days, newest first; what fails is tried again after 1, 2, 4 … hours.",
    )
    def sensor(context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]) -> dg.SensorResult:
        now, attempts = days.now(), Attempts.read(context.cursor)
        requests, said = _ask(caches, context.instance, runtime, daily.start.date(), attempts, now)
        if not requests and (not attempts.rest_at or now - dt.datetime.fromisoformat(attempts.rest_at) >= REST_EVERY):
            attempts.rest_at = now.isoformat()
            more, about_rest = _ask(rest, context.instance, runtime, daily.start.date(), attempts, now)
            requests, said = [*requests, *more], [*said, *about_rest]
        skipped = None if requests else "; ".join(said)
        return dg.SensorResult(run_requests=requests, skip_reason=skipped, cursor=attempts.write())

    return sensor


def _ask(
    fillings: Sequence[Filling],
    instance: dg.DagsterInstance,
    runtime: Runtime,
    first_partition: dt.date,
    attempts: Attempts,
    now: dt.datetime,
) -> tuple[list[dg.RunRequest], list[str]]:
    requests, said = [], []
    for filling in fillings:
        earliest = max(now.date() - dt.timedelta(days=filling.within(runtime.settings)), first_partition)
        found = holes(filling, filling.stored(runtime, instance, earliest, now.date()), earliest, now)
        attempts.forget_all_but(filling.name, found)
        ready = [day for day in found if (attempts.next_try(filling.name, day) or now) <= now]
        if not found:
            said.append(f"{filling.name}: no day is missing")
        elif (under_way := busy(instance, filling.job)) is not None:
            said.append(f"{filling.name}: {len(found)} days missing, but {under_way}")
        elif not ready:
            again = min(at for day in found if (at := attempts.next_try(filling.name, day)) is not None)
            said.append(f"{filling.name}: {len(found)} days missing, all tried; again at {again:%d %b %H:%M}")
        else:
            stretch = newest_stretch(ready)
            attempts.note(filling.name, stretch, now)
            requests.append(fill_request(filling, stretch, now))
            said.append(f"{filling.name}: {len(found)} days missing, {stretch[0]} … {stretch[-1]} asked for")
    return requests, said


def holes(filling: Filling, stored: ReadAt, earliest: dt.date, now: dt.datetime) -> list[dt.date]:
    """The days from `earliest` on that are to be filled, ascending. Pure."""
    today = now.date()
    first = min([today - dt.timedelta(days=filling.always), *stored])
    last = today if filling.includes_today else today - dt.timedelta(days=1)
    if max(first, earliest) > last:
        return []
    return [day for day in days.day_range(max(first, earliest), last) if not _is_whole(day, stored, now)]


def newest_stretch(ready: Sequence[dt.date]) -> list[dt.date]:
    """The newest unbroken stretch of the days, at most `DAYS_PER_RUN` of them, ascending."""
    stretch = [ready[-1]]
    for day in reversed(ready[:-1]):
        if stretch[0] - day != dt.timedelta(days=1) or len(stretch) == DAYS_PER_RUN:
            break
        stretch.insert(0, day)
    return stretch


def fill_request(filling: Filling, stretch: Sequence[dt.date], now: dt.datetime) -> dg.RunRequest:
    """One run over the stretch."""
    first, last = stretch[0].isoformat(), stretch[-1].isoformat()
    kind = "today" if list(stretch) == [now.date()] else "long_historical"
    return dg.RunRequest(
        run_key=f"warm-up:{filling.name}:{first}..{last}:{now.isoformat()}",
        job_name=filling.job,
        tags={RANGE_START: first, RANGE_END: last, SYNC_TYPE: kind, "calling/warm_up": "true", **LAST},
    )


def _is_whole(day: dt.date, stored: ReadAt, now: dt.datetime) -> bool:
    if day not in stored:
        return False
    read_at, end = stored[day], days.day_bounds(day)[1]
    return read_at is None or read_at >= end or now < end + SETTLED


def materialized(asset: str) -> Callable[[Runtime, dg.DagsterInstance, dt.date, dt.date], ReadAt]:
    """What Dagster's own partition status says of the asset, for what no table of ours tells."""
    key = asset_key(asset)

    def stored(runtime: Runtime, instance: dg.DagsterInstance, first: dt.date, last: dt.date) -> ReadAt:
        wanted = {day.isoformat() for day in days.day_range(first, last)}
        newest = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION, wanted
        )
        if not newest:
            return {}
        chosen = dg.AssetRecordsFilter(asset_key=key, storage_ids=list(newest.values()))
        records = instance.fetch_materializations(chosen, limit=len(newest)).records
        return {
            days.parse_day(record.partition_key): dt.datetime.fromtimestamp(record.timestamp, days.SHANGHAI)
            for record in records
            if record.partition_key is not None
        }

    return stored
