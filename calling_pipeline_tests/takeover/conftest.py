"""Fixtures of the takeover: a desk of call batches at a simulator that keeps its own list."""

import pytest

from calling_pipeline_tests.call_batches.desk import Desk, make_desk


@pytest.fixture
def desk(engine, app_settings, simulator) -> Desk:
    return make_desk(engine, app_settings, simulator)
