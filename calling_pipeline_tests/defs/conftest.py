"""A Dagster instance whose storage is this test's own PostgreSQL database, as in production."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from calling_pipeline_tests.dagster_support import instance_on

ROOT = Path(__file__).parents[2]


@pytest.fixture
def instance(dagster_database_url, tmp_path) -> Iterator[dg.DagsterInstance]:
    with instance_on(dagster_database_url, tmp_path) as made:
        yield made


@pytest.fixture
def own_instance(database_url, dagster_database_url, tmp_path, monkeypatch) -> Iterator[dg.DagsterInstance]:
    """The instance of our own `dagster.yaml`, as any process that is started now finds it."""
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    for setting, url in (("CALLING_DATABASE_URL", database_url), ("CALLING_DAGSTER_DATABASE_URL", dagster_database_url)):
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        monkeypatch.setenv(setting, plain)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as made:
        yield made
