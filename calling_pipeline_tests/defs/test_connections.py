"""Dagster's own storage keeps its connections, and does not notice that the server closed them."""

import dagster as dg
import pytest
import sqlalchemy as sa

from calling_pipeline.database.engine import dagster_url
from calling_pipeline.defs.instance.connections import KEPT
from calling_pipeline_tests.dagster_support import NO_COMPUTE_LOGS
from calling_pipeline_tests.support import run_together, wait_until

STORAGE = {"custom": {"module": "calling_pipeline.defs.instance.storage", "class": "InstanceStorage", "config": {}}}
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


@pytest.fixture
def address(empty_database_url, monkeypatch) -> str:
    url = dagster_url(empty_database_url.render_as_string(hide_password=False)).render_as_string(hide_password=False)
    monkeypatch.setenv("CALLING_DAGSTER_DATABASE_URL", url)
    return str(url)


@pytest.fixture
def make(address, tmp_path):
    """Make an instance as every process of the product does."""

    def instance():
        return dg.instance_for_test(temp_dir=str(tmp_path), overrides={"storage": STORAGE, "compute_logs": NO_COMPUTE_LOGS})

    return instance


def opened(instance) -> list[object]:
    """Every connection that is opened from now on."""
    found: list[object] = []
    sa.event.listen(instance.run_storage._engine, "connect", lambda connection, _: found.append(connection))
    return found


def use(instance) -> None:
    instance.get_runs(limit=1)
    instance.all_instigator_state()
    assert instance.event_log_storage.get_maximum_record_id() is None


def test_a_hundred_queries_open_a_few_connections(make):
    with make() as instance:
        use(instance)
        found = opened(instance)
        for _ in range(30):
            use(instance)
        assert found == []
        run_together(*[lambda: use(instance)] * 12)
        for _ in range(10):
            use(instance)
        assert instance.run_storage._engine.pool.checkedin() <= KEPT


def test_an_instance_made_for_each_tick_uses_the_connections_of_the_last(make):
    with make() as instance:
        use(instance)
        found = opened(instance)
    for _ in range(3):
        with make() as instance:
            use(instance)
    assert found == []


def test_a_server_that_closed_every_connection_is_asked_again_without_an_error(make, address):
    with make() as instance:
        use(instance)
        admin = sa.create_engine(address, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            wait_until(lambda: connection.scalar(sa.text(_OTHERS)) == 0)
        use(instance)


def test_tables_and_indexes_that_are_there_are_not_looked_for_at_every_tick(make):
    """Each tick makes an instance, which knew nothing of the last one's."""
    with make() as instance:
        use(instance)
        asked: list[str] = []
        sa.event.listen(instance.run_storage._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with make() as instance:
        use(instance)
    assert len(asked) == 3
