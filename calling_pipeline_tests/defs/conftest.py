"""A Dagster instance whose storage is this test's own PostgreSQL database, as in production."""

from collections.abc import Iterator

import dagster as dg
import pytest

from calling_pipeline_tests.dagster_support import instance_on


@pytest.fixture
def instance(empty_database_url, tmp_path) -> Iterator[dg.DagsterInstance]:
    with instance_on(empty_database_url, tmp_path) as made:
        yield made
