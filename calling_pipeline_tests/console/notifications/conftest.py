"""The console with a contract ledger, robots and contacts, and the simulator as the judge of what arrived."""

from __future__ import annotations

import pytest

from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline_tests.notifications.world import ROBOTS, USERS, Judge, row, write_ledger
from calling_pipeline_tests.support import LIMIT_S


def deliver(deps, ledger):
    """What a run of the ledger does."""
    return run(deps, [ledger], created_by="a test", wait_s=0)


@pytest.fixture
def judge(simulator):
    made = Judge(simulator)
    made.rules(robot_rate_per_minute=None)
    yield made
    made.reset()


@pytest.fixture
def ledger(tmp_path):
    return write_ledger(tmp_path / "contracts.csv", [row(1), row(2, city="上海"), row(3, city="广州")])


@pytest.fixture
def console_runtime(console_runtime, ledger):
    """With a ledger, robots and contacts."""
    values = {
        "contract_ledgers": [ledger],
        "wecom_robots": ROBOTS,
        "wecom_users": USERS,
        "wecom_robot_rate_per_minute": 0,
        "wecom_timeout_s": LIMIT_S,
    }
    console_runtime.settings = console_runtime.settings.model_copy(update=values)
    return console_runtime


@pytest.fixture
def deps(console_runtime):
    return NotificationDependencies.from_runtime(console_runtime)
