"""Reports in Dagster: the sensor asks for what is due once, a run makes, shows and judges it, and says what it waits for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from calling_pipeline import days
from calling_pipeline.definitions import build
from calling_pipeline.reports import periods, store
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.reports.support import SUNDAY, at, morning_after, put_day

CORRECTED = at(SUNDAY + dt.timedelta(days=1), 10, 20)


@dataclass
class Located:
    """The code location with an instance: its sensor asked, its job executed at a moment."""

    defs: dg.Definitions
    instance: dg.DagsterInstance
    runtime: Runtime

    def asks_for(self, now: dt.datetime) -> list[tuple[str | None, str | None]]:
        sensor = next(one for one in self.defs.sensors or () if one.name == "reports_due")
        with days.frozen(now):
            found: Any = sensor(dg.build_sensor_context(instance=self.instance, resources={"runtime": self.runtime}))
        return [] if isinstance(found, dg.SkipReason) else [(one.job_name, one.partition_key) for one in found]

    def run(self, now: dt.datetime) -> dg.ExecuteInProcessResult:
        job = self.defs.resolve_job_def("daily_report_run")
        with days.frozen(now):
            return job.execute_in_process(
                partition_key=SUNDAY.isoformat(),
                instance=self.instance,
                resources={"runtime": self.runtime},
                raise_on_error=False,
            )


@pytest.fixture
def located(runtime: Runtime) -> Iterator[Located]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Located(build(runtime), instance, runtime)


def test_a_complete_day_is_asked_for_made_shown_judged_and_not_asked_for_again(located, engine):
    now = morning_after(SUNDAY)
    with engine.begin() as connection:
        put_day(connection, SUNDAY)
    assert located.asks_for(now) == [("daily_report_run", "2026-11-29")]

    result = located.run(now)
    assert result.success
    [shown] = result.asset_materializations_for_node("daily_report_facts")
    assert shown.metadata["revision"].value == 1
    assert shown.metadata["console"].value.endswith("/reports/daily/2026-11-29")
    assert all(one.passed for one in result.get_asset_check_evaluations())
    assert located.asks_for(now) == []

    with engine.begin() as connection:
        put_day(connection, SUNDAY, grade_9=9, read_at=CORRECTED)
    assert ("daily_report_run", "2026-11-29") in located.asks_for(CORRECTED)
    again = located.run(CORRECTED)
    [shown] = again.asset_materializations_for_node("daily_report_facts")
    assert "control.grade_9: 5 → 9" in shown.metadata["changed"].value


def test_a_run_over_a_day_that_is_not_complete_makes_nothing_and_says_for_what_it_waits(located, engine):
    with engine.begin() as connection:
        put_day(connection, SUNDAY, tracks=("grade",))
    assert not located.run(morning_after(SUNDAY)).success
    with engine.connect() as connection:
        assert store.newest(connection, periods.containing("daily", SUNDAY)) is None
