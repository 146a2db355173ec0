"""Any sequence of good and bad syncs over any ranges by any doors: what is shown agrees with a model of the truth."""

import datetime as dt
import random
from dataclasses import dataclass, field

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.dependencies import CallStatsDependencies
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.definitions import build
from calling_pipeline.defs.activity.reporting import report_outside_work
from calling_pipeline.defs.alerts.sensors import check_failure_alerts
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.defs.windows import range_tags
from calling_pipeline.errors import CallingError
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, truth
from calling_pipeline_tests.dagster_support import check_rows, colours, partitions

DAYS = days.day_range(YESTERDAY - dt.timedelta(days=2), YESTERDAY)
CHECK = "newest_grade_read_is_published"
FAULTS = {
    "good": None,
    "failing": ("code", {"code": 400, "message": "参数错误"}),
    "held": ("unknown_grades", {"rows": 700, "text": "高意向2026"}),
    "outside the contract": ("wrong_value", {"field": "callState", "value": 7}),
}


@dataclass
class Model:
    """What is true of each day."""

    colour: dict[dt.date, str] = field(default_factory=lambda: dict.fromkeys(DAYS, "MISSING"))
    partition: dict[dt.date, str] = field(default_factory=lambda: dict.fromkeys(DAYS, "MISSING"))
    published: set[dt.date] = field(default_factory=set)

    def synced(self, day: dt.date, fault: str, door: str) -> None:
        good = fault == "good"
        self.colour[day] = "SUCCEEDED" if good else "FAILED"
        if good:
            self.published.add(day)
            self.partition[day] = "MATERIALIZED"
        elif door == "run":
            self.partition[day] = "FAILED"


@pytest.fixture
def act(stats_runtime, pg_instance, guanke):
    """`act(door, wanted, faults)` syncs days by a door while the vendor has these faults, and lets Dagster hear of it."""

    def execute(door, wanted, faults):
        guanke.clear_faults()
        for day in wanted:
            if fault := FAULTS[faults[day]]:
                kind, options = fault
                guanke.plant(kind, path=f"startTime={day}", times=None, **options)
        if door == "run":
            tags = range_tags(wanted[0], wanted[-1], "historical")
            tags = tags if len(wanted) > 1 else {"dagster/partition": wanted[0].isoformat()}
            job = build(stats_runtime).resolve_job_def("grade_stats_sync")
            result = job.execute_in_process(instance=pg_instance, tags=tags, raise_on_error=False)
            assert result.success == all(faults[day] == "good" for day in wanted)
            return
        deps = CallStatsDependencies.from_runtime(stats_runtime)
        try:
            sync_days(
                deps.engine,
                deps.guanke(),
                "grade",
                wanted,
                sync_type="manual",
                phone_key=deps.phone_key,
                rules=deps.rules,
            )
        except CallingError:
            assert {faults[day] for day in wanted} - {"good", "held"}
        report_outside_work(pg_instance, stats_runtime)

    return execute


@pytest.mark.parametrize("seed", range(4))
def test_colours_partitions_alerts_and_rows_agree_with_the_truth(seed, act, stats_runtime, pg_instance, guanke):
    chance, model = random.Random(seed), Model()
    daily = daily_partitions(stats_runtime.settings.partition_start)
    cursor = "0"
    for _ in range(4):
        first, last = sorted(chance.choices(range(len(DAYS)), k=2))
        wanted = DAYS[first : last + 1]
        faults = {day: chance.choice(["good", *FAULTS]) for day in wanted}
        door = chance.choice(["run", "outside"])
        act(door, wanted, faults)
        for day in wanted:
            model.synced(day, faults[day], door)
        said = f"seed {seed}: {door} {faults}"
        assert colours(pg_instance, "call_records", CHECK, daily, DAYS) == {str(d): c for d, c in model.colour.items()}, said
        for asset in ("call_records", "grade_stats_cache", "hourly_orders"):
            seen = partitions(pg_instance, asset, daily, DAYS)
            assert seen == {str(day): status for day, status in model.partition.items()}, f"{said}, {asset}"
        assert "PLANNED" not in {status for *_, status in check_rows(pg_instance)}
        with dg.build_sensor_context(instance=pg_instance, cursor=cursor, resources={"runtime": stats_runtime}) as context:
            check_failure_alerts.evaluate_tick(context)
            cursor = context.cursor or cursor
        with stats_runtime.transaction() as connection:
            rows = {day: store.read_grade_day(connection, day) for day in DAYS}
            prefix = f"check:call_records:{CHECK}:"
            alerts = {one.name.removeprefix(prefix) for one in alert_store.open_conditions(connection, "check")
                      if one.name.startswith(prefix)}  # fmt: skip
        assert {day for day, row in rows.items() if row is not None} == model.published, said
        for day in model.published:
            assert rows[day].grade_9 == truth(guanke, day)["grade_9"], said
        assert alerts == {str(day) for day, colour in model.colour.items() if colour == "FAILED"}, said
