"""Any sequence of good and bad syncs over any ranges, of both tracks, by any doors: what is shown agrees with a model.

Each example has three days of its own, so that all of them share one database and one Dagster instance.
"""

import datetime as dt
import itertools
from dataclasses import dataclass, field

import dagster as dg
import httpx
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calling_pipeline import days
from calling_pipeline.alerts import store as alert_store
from calling_pipeline.api.app import create_app
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.records import ASSETS, TRACKS
from calling_pipeline.cli.call_stats import stats
from calling_pipeline.cli.output import Door
from calling_pipeline.definitions import build
from calling_pipeline.defs.activity import reporting
from calling_pipeline.defs.alerts.sensors import check_failure_alerts
from calling_pipeline.defs.partitions import daily_partitions
from calling_pipeline.defs.windows import PARTITION, range_tags
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, truth
from calling_pipeline_tests.dagster_support import check_rows, colours, partitions
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY

WIDTH = 3
CHECKS = {"grade": "newest_grade_read_is_published", "task": "newest_task_read_is_published"}
WINDOW = {"grade": "startTime", "task": "start_time"}
REFUSED = ("code", {"code": 400, "message": "参数错误"})
FAULTS = {
    "grade": {
        "good": None,
        "failing": REFUSED,
        "held": ("unknown_grades", {"rows": 700, "text": "高意向2026"}),
        "outside the contract": ("wrong_value", {"field": "callState", "value": 7}),
    },
    "task": {
        "good": None,
        "failing": REFUSED,
        "held": ("wrong_value", {"field": "success_number", "value": 10**6}),
        "outside the contract": ("wrong_value", {"field": "called_number", "value": -1}),
    },
}
STEP = st.tuples(
    st.sampled_from(TRACKS),
    st.sampled_from(["run", "api", "command"]),
    st.lists(st.integers(0, WIDTH - 1), min_size=2, max_size=2).map(sorted),
    st.lists(st.sampled_from(["good", *FAULTS["grade"]]), min_size=WIDTH, max_size=WIDTH),
)


@dataclass
class Model:
    """What is true of each day of each track."""

    days: list[dt.date]
    colour: dict[tuple[str, dt.date], str] = field(default_factory=dict)
    partition: dict[tuple[str, dt.date], str] = field(default_factory=dict)
    published: set[tuple[str, dt.date]] = field(default_factory=set)

    def synced(self, track: str, day: dt.date, fault: str, door: str) -> None:
        good = fault == "good"
        self.colour[track, day] = "SUCCEEDED" if good else "FAILED"
        if good:
            self.published.add((track, day))
            self.partition[track, day] = "MATERIALIZED"
        elif door == "run":
            self.partition[track, day] = "FAILED"


class World:
    """One database, one Dagster instance, the API over HTTP and the command line, on one simulator."""

    def __init__(self, app_settings, instance, guanke):
        token = {"api_tokens": {"token": TokenGrant(role="operator")}}
        chosen = app_settings.model_copy(
            update={"guanke_base_url": f"{guanke.url}/guanke", "partition_start": dt.date(2015, 1, 1), **token}
        )
        self.runtime, self.api_runtime = Runtime(chosen), Runtime(chosen)
        self.instance, self.guanke = instance, guanke
        self.daily = daily_partitions(chosen.partition_start)
        self.jobs = {track: build(self.runtime).resolve_job_def(f"{track}_stats_sync") for track in TRACKS}
        self.blocks, self.cursor = itertools.count(1), "0"
        self.url = ""

    def new_days(self):
        first = YESTERDAY - dt.timedelta(days=WIDTH * next(self.blocks) - 1)
        return days.day_range(first, first + dt.timedelta(days=WIDTH - 1))

    def sync(self, track, door, wanted, faults):
        """Sync days by a door while the vendor has these faults; Dagster hears of it and the alerts are judged."""
        self.guanke.clear_faults()
        for day in wanted:
            if fault := FAULTS[track][faults[day]]:
                kind, options = fault
                self.guanke.plant(kind, path=f"{WINDOW[track]}={day}", times=None, **options)
        good = all(faults[day] == "good" for day in wanted)
        assert getattr(self, f"_by_{door}")(track, wanted) == good, (track, door, faults)
        reporting.report_outside_work(self.instance, self.runtime)
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"runtime": self.runtime}
        ) as context:
            check_failure_alerts.evaluate_tick(context)
            self.cursor = context.cursor or self.cursor

    def _by_run(self, track, wanted):
        tags = range_tags(wanted[0], wanted[-1], "historical")
        tags = tags if len(wanted) > 1 else {PARTITION: wanted[0].isoformat()}
        return self.jobs[track].execute_in_process(instance=self.instance, tags=tags, raise_on_error=False).success

    def _by_api(self, track, wanted):
        headers, done = {"Authorization": "Bearer token"}, []
        for day in reversed(wanted):
            path, body = f"{self.url}/api/stats/{track}-stats/refresh", {"date": day.isoformat()}
            answer = httpx.post(path, json=body, headers=headers, timeout=LIMIT_S, trust_env=False)
            done.append(answer.status_code == 200 and answer.json()["data"]["held"] is None)
        return all(done)

    def _by_command(self, track, wanted):
        door = Door()
        door.__dict__["runtime"] = self.runtime
        words = ["sync", "--track", track, "--from", str(wanted[0]), "--to", str(wanted[-1]), "--json"]
        return CliRunner().invoke(stats, words, obj=door).exit_code == 0

    def shown(self, model, track):
        """What Dagster, the alerts and the cache show of the track's days."""
        check, asset = CHECKS[track], ASSETS[track][0]
        prefix = f"check:{asset}:{check}:"
        with self.runtime.transaction() as connection:
            rows = {day: store.read_day(connection, track, day) for day in model.days}
            opened = [one.name.removeprefix(prefix) for one in alert_store.open_conditions(connection, "check")
                      if one.name.startswith(prefix)]  # fmt: skip
        return {
            "colours": colours(self.instance, asset, check, self.daily, model.days),
            "partitions": [partitions(self.instance, each, self.daily, model.days) for each in ASSETS[track]],
            "alerts": sorted(set(opened) & set(map(str, model.days))),
            "orders": {str(day): _orders(row) for day, row in rows.items() if row is not None},
        }

    def expected(self, model, track):
        """The same, as the model knows it."""

        def of(states):
            return {str(day): states.get((track, day), "MISSING") for day in model.days}

        return {
            "colours": of(model.colour),
            "partitions": [of(model.partition)] * len(ASSETS[track]),
            "alerts": [str(day) for day in model.days if model.colour.get((track, day)) == "FAILED"],
            "orders": {str(day): self._true_orders(track, day) for day in model.days if (track, day) in model.published},
        }

    def _true_orders(self, track, day):
        known = truth(self.guanke, day)
        return known["task_stats"]["success_number"] if track == "task" else known["grade_9"] + known["grade_1"]


def _orders(row):
    return row.total_success if hasattr(row, "total_success") else row.success_number


@pytest.fixture
def world(app_settings, pg_instance, guanke, monkeypatch):
    monkeypatch.setattr(reporting, "LONGEST_S", LIMIT_S)  # one tick reports all that is there
    made = World(app_settings, pg_instance, guanke)
    with served(create_app(made.api_runtime)) as made.url:
        yield made
    made.runtime.close()


@given(steps=st.lists(STEP, min_size=1, max_size=6 if NIGHTLY else 3))
@settings(
    max_examples=40 if NIGHTLY else 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_colours_partitions_alerts_and_rows_agree_with_the_truth(world, steps):
    model = Model(world.new_days())
    for track, door, (first, last), of_place in steps:
        faults = dict(zip(model.days, of_place, strict=True))
        wanted = model.days[first : last + 1]
        world.sync(track, door, wanted, faults)
        for day in wanted:
            model.synced(track, day, faults[day], door)
        for each in TRACKS:
            assert world.shown(model, each) == world.expected(model, each), (track, door, wanted, faults)
    assert "PLANNED" not in {status for *_, status in check_rows(world.instance)}
