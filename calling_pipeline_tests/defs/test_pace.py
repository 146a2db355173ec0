"""What Dagster asks again and again is asked less often, with the same answers."""

import importlib
import subprocess
import sys

import pytest
from dagster._core.definitions.freshness import CronFreshnessPolicy
from dagster._utils.schedules import get_smallest_cron_interval

from calling_pipeline.defs.catalogue import freshness
from calling_pipeline.defs.instance.pace import PACE, smallest_interval

_POLICIES = {**freshness._ALWAYS, **freshness._CONTRACTS, **freshness._TECHNICIANS}
OURS = {policy.deadline_cron for policy in _POLICIES.values() if isinstance(policy, CronFreshnessPolicy)}


@pytest.mark.parametrize("cron", [*sorted(OURS), "*/7 * * * *", "59 23,0 * * *", "0 0 1 * *", "0 9 * * MON-FRI", "@daily"])
def test_the_smallest_interval_of_a_cron_is_what_dagster_itself_finds(cron):
    assert smallest_interval(cron) == get_smallest_cron_interval(cron)


def test_what_is_set_is_there_in_this_version_of_dagster():
    for module, name in PACE:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name} is gone"


def test_the_daemon_and_the_webserver_take_the_pace_from_the_storage():
    program = (
        "import dagster._daemon.controller, dagster._grpc.server_watcher, sys\n"
        "from calling_pipeline.defs.instance.storage import InstanceStorage\n"
        "InstanceStorage.from_config_value(None, {})\n"
        "from calling_pipeline.defs.instance.pace import PACE\n"
        "assert all(getattr(sys.modules[module], name) == value for (module, name), value in PACE.items())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
