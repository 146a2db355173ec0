"""A run over days of one track, the newest first: each is read, published, shown as materialized and judged before the next.

The newest is shown once more at the end, since the UI's page of an asset leads with what was shown last.

A day that fails, or that a blocking check stops, is judged but not shown as materialized, and the others go on. At the end
the run fails with one sentence that names the bad days, so that they alone are failed in the UI and can be rerun alone.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import dagster as dg
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.activity.noting import reported_by_run
from calling_pipeline.call_stats import retention, store
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.facts.store import day_facts
from calling_pipeline.call_stats.history import store as history
from calling_pipeline.call_stats.quality import DayFacts
from calling_pipeline.call_stats.records import ASSETS, DayResult, GradeDay, HistoryDay, Track
from calling_pipeline.call_stats.sync.publishing import publish_day
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.defs import retries
from calling_pipeline.defs.acting import who
from calling_pipeline.defs.call_stats.checks import CHECKS
from calling_pipeline.defs.call_stats.metadata import (
    about_agents,
    about_grades,
    about_hours,
    about_records,
    about_tasks,
)
from calling_pipeline.defs.checks import Check, judge, log_verdicts, newest_record
from calling_pipeline.defs.console import in_console
from calling_pipeline.defs.naming import asset_key, plain
from calling_pipeline.defs.windows import SYNC_TYPE, days_of_run, parse_keys
from calling_pipeline.errors import CallingError, DaysFailed, VendorTimeout, may_succeed_later
from calling_pipeline.runtime import Runtime

WEEK = dt.timedelta(weeks=1)


class TrackRun:
    """One run of one track over the days that Dagster asked for."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        runtime: Runtime,
        track: Track,
        *,
        full_read: bool = False,
        publish_held: bool = False,
    ) -> None:
        self._context, self._runtime, self._track = context, runtime, track
        self._full_read, self._publish_held = full_read, publish_held
        self._assets = ASSETS[track]
        self._selected = {plain(key) for key in context.selected_asset_keys}
        op = context.op_execution_context
        self._selected_checks = {(plain(key.asset_key), key.name) for key in op.selected_asset_check_keys}
        self._stored: set[dt.date] = set()
        self._shown: list[dt.date] = []
        self._bad: dict[dt.date, str] = {}
        self._errors: dict[dt.date, CallingError] = {}

    def execute(self) -> None:
        """Do what is selected. Raises `Failure` when a day is bad, after all days were tried."""
        with reported_by_run(self._assets):
            self._execute()

    def _execute(self) -> None:
        if not self._selected:
            for day in sorted(days_of_run(self._context.run.tags), reverse=True):
                self._show(day, {})
            return self._end(days_of_run(self._context.run.tags))
        wanted = self._unfinished(parse_keys(self._context.partition_keys))
        self._say_what_will_not_stay(wanted)
        unread = wanted if self._assets[0] in self._selected else self._recounted(wanted)
        if unread:
            self._sync(unread)
        self._lead_with_the_newest()
        return self._end(wanted)

    def _say_what_will_not_stay(self, wanted: Sequence[dt.date]) -> None:
        settings = self._runtime.settings
        kept = {"cache_days": settings.cache_retention_days, "record_days": settings.call_record_retention_days}
        notice = retention.notice(wanted, days.today(), **kept)
        if notice:
            self._context.log.warning(notice)

    def _unfinished(self, wanted: Sequence[dt.date]) -> list[dt.date]:
        """The days to do: a retry leaves out those that this run has shown as materialized before."""
        op = self._context.op_execution_context
        if op.retry_number:
            events = op.instance.all_logs(op.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
            last = asset_key(self._assets[-1])
            found = [one.get_dagster_event() for one in events]
            self._shown = parse_keys([one.partition for one in found if one.asset_key == last and one.partition])
        return sorted(set(wanted) - set(self._shown), reverse=True)

    def _recounted(self, wanted: Sequence[dt.date]) -> list[dt.date]:
        """Count the caches anew from the stored call records; returns the days that were never read from the vendor."""
        unread = []
        for day in wanted:
            try:
                with self._runtime.transaction() as connection:
                    if store.latest_proof(connection, "grade", day) is None:
                        unread.append(day)
                        continue
                    cached = publish_day(connection, day)
            except CallingError as error:
                self._failed(day, error)
            else:
                self._show(day, self._about_caches(day, cached))
        return unread

    def _sync(self, wanted: Sequence[dt.date]) -> None:
        deps = CallStatsDependencies.from_runtime(self._runtime)
        try:
            sync_days(
                deps.engine,
                deps.guanke(),
                self._track,
                wanted,
                sync_type=self._context.run.tags.get(SYNC_TYPE, "manual"),
                phone_key=deps.phone_key,
                rules=deps.rules,
                on_day=self._read,
                run_id=self._context.run.run_id,
                full_read=self._full_read,
                publish_held=self._publish_held,
                by=who(self._context.run),
            )
        except CallingError as error:
            policy_ends = self._context.op_execution_context.retry_number >= retries.VENDOR.max_retries
            if may_succeed_later(error) and not policy_ends:
                raise dg.Failure(str(error), allow_retries=True) from error
            failures = error.failures if isinstance(error, DaysFailed) else dict.fromkeys(set(wanted) - self._stored, error)
            for day in sorted(failures, reverse=True):
                self._failed(day, failures[day])

    def _read(self, result: DayResult) -> None:
        """A day has arrived and is published, or held."""
        day, proof = result.date, result.proof
        self._stored.add(day)
        self._context.log.info(f"{day}: {result.outcome}, {proof.distinct_ids} read in {result.elapsed_s} s")
        if result.outcome == "held":
            return self._held(result)
        if self._track == "task":
            with self._runtime.transaction() as connection:
                before = self._week_before(connection, day)
            return self._show(day, {"task_stats_cache": about_tasks(result, before)})
        assert isinstance(result.stats, GradeDay)
        return self._show(day, {"call_records": about_records(result), **self._about_caches(day, result.stats)})

    def _held(self, result: DayResult) -> None:
        """The publishing gate keeps the day aside: what is published is judged, nothing is materialized."""
        day = result.date
        reasons = "; ".join(reason.sentence for reason in result.reasons if reason.severity == "hold")
        self._bad[day] = f"held: {reasons}; `calling-pipeline stats held list` shows it"
        self._context.log.error(f"{day}: {self._bad[day]}")
        self._show(day, {})

    def _about_caches(self, day: dt.date, cached: GradeDay) -> dict[str, dict[str, Any]]:
        with self._runtime.transaction() as connection:
            agents, hours = store.read_agents(connection, day), store.read_hours(connection, day)
            before, hours_before = self._week_before(connection, day), store.read_hours(connection, day - WEEK)
        return {
            "grade_stats_cache": about_grades(cached, before),
            "agent_ranking": about_agents(agents),
            "hourly_orders": about_hours(hours, hours_before),
        }

    def _week_before(self, connection: sa.Connection, day: dt.date) -> HistoryDay | None:
        return next(iter(history.read_weekdays(connection, day, weeks=1)), None)

    def _failed(self, day: dt.date, error: CallingError) -> None:
        self._errors[day] = error
        self._bad[day] = str(error)
        self._context.log.error(f"{day}: {error}")
        self._show(day, {})

    def _show(self, day: dt.date, done: Mapping[str, Mapping[str, Any]]) -> None:
        """Judge the day by facts read once; what was `done` (asset → metadata) is materialized unless a check stops it."""
        facts = cache(lambda: self._facts(day))
        stops: list[str] = []
        for asset in self._assets:
            verdicts = judge(asset, self._checks_of(asset, asset in done), facts, day)
            stops += [verdict.sentence for verdict in verdicts if verdict.blocks]
            if asset in done and not stops:
                shown = {**done[asset], **in_console(self._runtime, asset, day)}
                self._context.log_event(dg.AssetMaterialization(asset_key(asset), metadata=shown, partition=day.isoformat()))
            log_verdicts(self._context.op_execution_context, self._runtime, verdicts)
        if done and not stops:
            self._shown.append(day)
        if stops and day not in self._bad:
            self._bad[day] = "; ".join(stops)

    def _lead_with_the_newest(self) -> None:
        """Show the newest good day again when older ones were shown after it, with what was shown of it and judged anew.

        It was shown in its turn too: were it kept for the end, a run that is killed would leave it published and not shown.
        What another run or door has shown of it since is newer and stands.
        """
        newest = max(self._shown, default=None)
        if newest is None or newest == self._shown[-1]:
            return
        op, again = self._context.op_execution_context, {}
        for asset in self._assets:
            record = newest_record(op.instance, asset, newest)
            if record and record.run_id == op.run_id and record.asset_materialization:
                again[asset] = record.asset_materialization.metadata
        self._show(newest, again)

    def _checks_of(self, asset: str, done: bool) -> list[Check[DayFacts]]:
        """Those that were selected, and all of an asset that was replaced."""
        return [check for check in CHECKS[asset] if done or (asset, check.name) in self._selected_checks]

    def _facts(self, day: dt.date) -> DayFacts:
        with self._runtime.transaction() as connection:
            return day_facts(connection, day)

    def _end(self, wanted: Sequence[dt.date]) -> None:
        if not self._bad:
            return
        reasons = "; ".join(f"{day}: {reason}" for day, reason in sorted(self._bad.items(), reverse=True))
        if len(wanted) > 1:
            reasons = f"{len(self._bad)} of {len(wanted)} days are bad, the others are published. {reasons}"
        self._context.log.error(reasons)
        raise dg.Failure(reasons, allow_retries=False) from self._cause(reasons)

    def _cause(self, reasons: str) -> CallingError:
        """The whole sentence under the name of what went wrong, by which alerts call it."""
        errors = list(self._errors.values())
        if len(errors) == len(self._bad) and all(isinstance(error, VendorTimeout) for error in errors):
            return VendorTimeout(reasons)
        return DaysFailed(reasons, failures=self._errors)
