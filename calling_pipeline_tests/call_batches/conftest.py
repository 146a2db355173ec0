"""The desk of the call batches' tests."""

import pytest

from calling_pipeline_tests.call_batches.desk import Desk, make_desk


@pytest.fixture
def desk(engine, app_settings, simulator) -> Desk:
    return make_desk(engine, app_settings, simulator)
