"""A desk whose engine can open what is sealed, and the doors to one person."""

import pytest

from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_batches.desk import Desk, make_desk


@pytest.fixture
def desk(engine, app_settings, simulator) -> Desk:
    Runtime(app_settings, engine=engine)  # from here on its connections know the secret key
    return make_desk(engine, app_settings, simulator)


@pytest.fixture
def deps(desk) -> PersonDependencies:
    return PersonDependencies.from_runtime(Runtime(desk.settings, engine=desk.engine))
