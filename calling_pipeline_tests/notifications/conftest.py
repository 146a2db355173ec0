"""Fixtures of the notification tests."""

from __future__ import annotations

import pytest

from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline_tests.notifications.world import Judge, notification_runtime


@pytest.fixture
def judge(simulator):
    made = Judge(simulator)
    made.rules(robot_rate_per_minute=None)
    yield made
    made.reset()


@pytest.fixture
def runtime(app_settings, simulator, judge):
    made = notification_runtime(app_settings, simulator)
    yield made
    made.close()


@pytest.fixture
def deps(runtime):
    return NotificationDependencies.from_runtime(runtime)
