"""A Dagster instance whose storage is this test's own PostgreSQL database, as in production."""

from collections.abc import Iterator

import dagster as dg
import pytest

from calling_pipeline.database.engine import dagster_url


@pytest.fixture
def instance(empty_database_url, tmp_path) -> Iterator[dg.DagsterInstance]:
    url = dagster_url(empty_database_url.render_as_string(hide_password=False))
    storage = {"postgres": {"postgres_url": url.render_as_string(hide_password=False)}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": storage}) as made:
        yield made
