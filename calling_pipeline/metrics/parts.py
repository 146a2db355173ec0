"""The parts of a scrape: which families each has, and how it reads them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import psutil
import sqlalchemy as sa

from calling_pipeline import __version__, days
from calling_pipeline.analysis.dagster_storage.store import DAEMONS
from calling_pipeline.call_stats.recent.views import scheduled_syncs
from calling_pipeline.database.revisions import current_revision
from calling_pipeline.measures import NOTED
from calling_pipeline.metrics import families as of
from calling_pipeline.metrics import store
from calling_pipeline.metrics.records import Family, Part, Sample, samples_of
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.outgoing.holding import holds
from calling_pipeline.outgoing.records import ACTS
from calling_pipeline.telephony.pool import store as pool_store

MOST_TENANTS = 100
SIZES_S = 60.0
"""How long sizes and versions are served again: they change no faster."""
COUNT_S = 30.0
"""How often the call log is counted into `measures`; what is not counted yet is added to each scrape."""
_RUNS = ("queued", "not_started", "starting", "started", "canceling")
_BOUNDS = {one.name: one.bounds for one in NOTED}
_PROCESS = psutil.Process()


def parts(first_day: dt.date, centre: str = "") -> tuple[Part, ...]:
    """Every part, in the order in which they are served; `first_day` is the first day that is ever read.

    Of a Dagster that several share, only the runs of this `centre` are counted.
    """
    return (
        Part("build", (of.INFO,), _build, seconds=SIZES_S),
        Part("process", (of.CPU, of.MEMORY, of.STARTED, of.FILES), _process),
        Part("call_log", (), _count_call_log, seconds=COUNT_S),
        Part("counters", of.COUNTED, _counters),
        Part(
            "syncs",
            (of.SYNC_AGE, of.SYNC_LAST, of.SYNC_LAST_ROWS, of.DAYS_HELD, of.DAYS_FAILED, of.SYNC_LATE),
            lambda connection: _syncs(connection, first_day),
        ),
        Part("batches", (of.BATCHES, of.BATCH_CALLS_HELD, of.BATCH_AGE), _batches),
        Part("messages", (of.MESSAGES_OPEN, of.MAILS_OPEN), _messages),
        Part("telephony", (of.EXTENSIONS, of.LINE_CALLS, of.LINE_OVERDUE, of.CALLBACKS_KEPT), _telephony),
        Part("alerts", (of.ALERTS_OPEN, of.ALERTS_WAITING), _alerts),
        Part("holds", (of.HOLDS,), _holds),
        Part(
            "dagster",
            (of.RUNS_OPEN, of.RUNS_OLDEST, of.DAEMON_AGE),
            lambda connection: _dagster(connection, centre),
            of_dagster=True,
        ),
        Part(
            "database",
            (of.CONNECTIONS, of.CONNECTIONS_ALLOWED, of.OLDEST_TRANSACTION, of.FREEZE_AGE),
            _database,
        ),
        Part("sizes", (of.TABLE_BYTES, of.TABLE_ROWS), _sizes, seconds=SIZES_S),
    )


def _build(connection: sa.Connection) -> Sequence[Sample]:
    return samples_of(of.INFO, {(__version__, current_revision(connection) or "none"): 1})


def _process(_: sa.Connection) -> Sequence[Sample]:
    with _PROCESS.oneshot():
        used, memory = _PROCESS.cpu_times(), _PROCESS.memory_info()
        return [
            Sample(of.CPU, (), used.user + used.system),
            Sample(of.MEMORY, (), memory.rss),
            Sample(of.STARTED, (), _PROCESS.create_time()),
            Sample(of.FILES, (), _PROCESS.num_fds()),
        ]


def _count_call_log(connection: sa.Connection) -> Sequence[Sample]:
    store.count_call_log(connection, days.now())
    return ()


def _counters(connection: sa.Connection) -> Sequence[Sample]:
    known = {one.name: one for one in of.COUNTED}
    outcomes: Counter[str] = Counter()
    samples = []
    for row in store.counters(connection):
        family = known.get(row.name)
        if family is None or len(row.labels) != len(family.labels):
            continue  # of another version
        if family is of.BATCH_CALLS:
            outcomes[row.labels[0]] += int(row.number)
        elif family.kind == "counter":
            samples.append(Sample(family, tuple(row.labels), row.number))
        else:
            samples.append(_histogram(family, tuple(row.labels), row.total, row.buckets))
    return [*samples, *samples_of(of.BATCH_CALLS, outcomes)]


def _histogram(family: Family, labels: tuple[str, ...], total: float, buckets: Sequence[int]) -> Sample:
    bounds = [*(f"{bound}" for bound in _BOUNDS[family.name]), "+Inf"]
    cumulative, so_far = [], 0
    for bound, number in zip(bounds, buckets, strict=True):
        so_far += number
        cumulative.append((bound, float(so_far)))
    return Sample(family, labels, total, tuple(cumulative))


def _syncs(connection: sa.Connection, first_day: dt.date) -> Sequence[Sample]:
    now = days.now()
    samples = []
    for row in store.syncs(connection, now):
        numbers = {
            of.SYNC_AGE: row.age_s,
            of.SYNC_LAST: row.elapsed_s,
            of.SYNC_LAST_ROWS: row.rows_fetched,
            of.DAYS_HELD: row.held,
            of.DAYS_FAILED: row.failed,
        }
        samples += [one for family, number in numbers.items() for one in samples_of(family, {row.track: number})]
    late = {one.schedule: one.state == "late" for one in scheduled_syncs(connection, now, first_day)}
    return [*samples, *samples_of(of.SYNC_LATE, late)]


def _batches(connection: sa.Connection) -> Sequence[Sample]:
    row = store.batches(connection, days.now())
    states = ("planned", "running", "waiting", "paused")
    return [
        *samples_of(of.BATCHES, {state: row.batches.get(state, 0) for state in states}),
        *samples_of(of.BATCH_CALLS_HELD, {state: row.calls.get(state, 0) for state in ("pushing", "unknown")}),
        *samples_of(of.BATCH_AGE, {(): row.oldest_s or 0}),
    ]


def _messages(connection: sa.Connection) -> Sequence[Sample]:
    samples = []
    for name, outbox in OUTBOXES.items():
        counts = outbox.open_up_to(connection, store.MOST_OPEN)
        samples += samples_of(of.MESSAGES_OPEN, {(name, state): number for state, number in counts.items()})
    mails = {row.state: row.number for row in store.mails(connection)}
    of_mails = ("pending", "sending", "unknown", "dead", "refused")
    return [*samples, *samples_of(of.MAILS_OPEN, {state: mails.get(state, 0) for state in of_mails})]


def _telephony(connection: sa.Connection) -> Sequence[Sample]:
    now = days.now()
    pools: Counter[tuple[str, str]] = Counter()
    tenants: dict[int, str] = {}
    for row in pool_store.statistics(connection, now):
        tenant = tenants.setdefault(row.tenant_id, str(row.tenant_id) if len(tenants) < MOST_TENANTS else "other")
        for state in ("in_use", "available", "cooling_down", "offline"):
            pools[tenant, state] += getattr(row, state)
    lines = store.lines(connection, now)
    return [
        *samples_of(of.EXTENSIONS, pools),
        *samples_of(of.LINE_CALLS, {(): lines.open}),
        *samples_of(of.LINE_OVERDUE, {(): lines.overdue}),
        *samples_of(of.CALLBACKS_KEPT, {"not_readable_or_confirmed": lines.kept, "call_not_known": lines.unmatched}),
    ]


def _alerts(connection: sa.Connection) -> Sequence[Sample]:
    return [
        *samples_of(of.ALERTS_OPEN, {(row.kind, row.severity): row.number for row in store.alerts(connection)}),
        *samples_of(of.ALERTS_WAITING, {(): store.alert_deliveries(connection)}),
    ]


def _holds(connection: sa.Connection) -> Sequence[Sample]:
    held = {hold.act for hold in holds(connection)}
    return samples_of(of.HOLDS, {act: act in held for act in ACTS})


def _dagster(connection: sa.Connection, centre: str) -> Sequence[Sample]:
    rows = {row.status: row for row in store.dagster_runs(connection, centre)}
    beats = store.heartbeats(connection, DAEMONS)
    return [
        *samples_of(of.RUNS_OPEN, {status: rows[status].number if status in rows else 0 for status in _RUNS}),
        *samples_of(of.RUNS_OLDEST, {status: rows[status].oldest_s if status in rows else 0 for status in _RUNS}),
        *samples_of(of.DAEMON_AGE, {row.daemon.lower(): row.age_s for row in beats}),
    ]


def _database(connection: sa.Connection) -> Sequence[Sample]:
    row = store.connections(connection)
    return [
        *samples_of(of.CONNECTIONS, row.by_state),
        *samples_of(of.CONNECTIONS_ALLOWED, {(): row.allowed}),
        *samples_of(of.OLDEST_TRANSACTION, {(): row.oldest_transaction_s}),
        *samples_of(of.FREEZE_AGE, {(): row.transactions_since_freeze}),
    ]


def _sizes(connection: sa.Connection) -> Sequence[Sample]:
    rows = store.sizes(connection)
    return [
        *samples_of(of.TABLE_BYTES, {row.name: row.bytes for row in rows}),
        *samples_of(of.TABLE_ROWS, {(row.name, state): getattr(row, state) for row in rows for state in ("live", "dead")}),
    ]
