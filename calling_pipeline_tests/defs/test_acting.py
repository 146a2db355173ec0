"""Who acts in a run of Dagster, and through which door."""

import dagster as dg
import pytest

from calling_pipeline.access.audit.door import current_door
from calling_pipeline.defs.acting import PERSON_TAG, acting

RUN = "1a2b3c4d-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({}, "run 1a2b3c4d"),
        ({PERSON_TAG: "Li Wei", "dagster/schedule_name": "task_stats_t3"}, "Li Wei"),
        ({"dagster/schedule_name": "task_stats_t3"}, "schedule task_stats_t3, run 1a2b3c4d"),
        ({"dagster/sensor_name": "calling_tasks"}, "sensor calling_tasks, run 1a2b3c4d"),
    ],
)
def test_a_run_is_its_persons_else_what_started_it(tags, name):
    run = dg.DagsterRun(job_name="job", run_id=RUN, tags=tags)
    assert current_door() == "program"
    with acting(run) as by:
        assert (by, current_door()) == (name, "dagster")
    assert current_door() == "program"
