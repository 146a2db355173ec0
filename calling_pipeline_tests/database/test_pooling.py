"""Through a pooler the program works, or says at its start which setting to change. PgBouncer itself is asked at night."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from calling_pipeline.at_most_once.orphans import is_held
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.database import migrate, pooling
from calling_pipeline.database.engine import driver_connection, make_engine, session_limits
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.database.pgbouncer import pgbouncer
from calling_pipeline_tests.support import NIGHTLY, Simulator

nightly = pytest.mark.skipif(not NIGHTLY, reason="a real PgBouncer, at night")
DIRECT = "direct"
HOLDERS = """
    SELECT CASE activity.usename WHEN current_user THEN 'pooled' ELSE 'direct' END FROM pg_locks AS held
    JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND activity.datname = current_database() AND activity.state = 'idle'
"""
"""Who holds session locks. The two ways log in as two roles, by which the server tells them apart."""


def text_of(url: sa.URL, username: str | None = None) -> str:
    return url.set(drivername="postgresql", username=username).render_as_string(hide_password=False)


def through(engine: sa.Engine, statement: str) -> str:
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement).scalar_one()


@pytest.fixture
def two_ways(engine, database_url, tmp_path):
    """Settings whose two addresses log in as two roles."""
    role = "DO $$ BEGIN CREATE ROLE through_pooler SUPERUSER LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
    with engine.begin() as connection:
        connection.exec_driver_sql(role)
    return load(
        home=tmp_path / "home",
        database_url=text_of(database_url, username="through_pooler"),
        database_direct_url=text_of(database_url),
        secret_key="a key for tests that is long enough",
    )


def test_with_a_direct_address_a_session_prepares_nothing_and_has_its_limits_in_each_transaction(database_url):
    limits = session_limits(7, 3)
    engine = make_engine(database_url, direct=database_url.set(host="127.0.0.1"), options=limits)
    with engine.connect() as connection:
        assert driver_connection(connection).prepare_threshold is None
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "7s"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "3s"
        assert connection.exec_driver_sql("SHOW timezone").scalar_one() == "Asia/Shanghai"
        connection.rollback()
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "7s"
        for _ in range(9):
            connection.exec_driver_sql("SELECT %s::int", (1,))
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one() == 0
    engine.dispose()


def test_what_lasts_as_long_as_its_session_goes_to_the_server_itself(two_ways, simulator):
    """Seen by the server: the lock of a batch, the dispatcher's and the migration's session; statements go the other way."""
    runtime = Runtime(two_ways)
    desk = make_desk(runtime.engine, two_ways, simulator)
    desk.work_orders([phone(number) for number in range(60)])
    desk.task()
    batch, ways = desk.plan(), list[str]()

    def progress(done: int) -> None:
        with runtime.engine.connect() as connection:
            assert is_held(connection, "call batch", batch.id)
            ways.extend(connection.exec_driver_sql(HOLDERS).scalars())

    assert runs.push(desk.dependencies(rate_per_s=400), batch.id, progress).state == "completed"
    assert set(ways) == {DIRECT}
    assert through(runtime.engine, "SELECT current_user") == "through_pooler"
    runtime.require_schema()
    with migrate._migrating(runtime.engine), runtime.engine.connect() as connection:
        assert list(connection.exec_driver_sql(HOLDERS).scalars()) == [DIRECT]
    runtime.close()


def test_two_addresses_of_different_databases_are_refused(database_url, empty_database_url):
    engine = make_engine(database_url, direct=empty_database_url)
    with pytest.raises(ConfigurationError, match="lead to different databases"):
        pooling.require_sessions(engine)
    engine.dispose()


def test_a_session_in_another_time_zone_is_refused(database_url):
    engine = make_engine(database_url, options="-c timezone=UTC")
    with pytest.raises(ConfigurationError, match=r"time zone UTC.* ALTER ROLE postgres SET timezone TO 'Asia/Shanghai'"):
        pooling.require_sessions(engine)
    engine.dispose()


@nightly
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_pgbouncer_works_with_a_direct_address_and_is_refused_without(engine, database_url, tmp_path, simulator, mode):
    with pgbouncer(database_url, tmp_path / "pgb", mode) as pooled:
        other = make_engine(pooled)
        with pytest.raises(ConfigurationError, match=r"ignore_startup_parameters = extra_float_digits, options.*ALTER ROLE"):
            pooling.require_sessions(other)
        other.dispose()
    options = {"ignore_startup_parameters": "extra_float_digits, options"}
    with pgbouncer(database_url, tmp_path / "pgb", mode, **options) as pooled:
        other = make_engine(pooled, direct=database_url)
        with pytest.raises(ConfigurationError, match="ALTER ROLE postgres SET timezone TO 'Asia/Shanghai'"):
            pooling.require_sessions(other)
        other.dispose()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {database_url.database} SET timezone TO 'Asia/Shanghai'")
    with pgbouncer(database_url, tmp_path / "pgb", mode, **options) as pooled:
        _refused_without(pooled, database_url)
        _works_with(pooled, database_url, tmp_path, simulator)


@nightly
def test_pgbouncer_that_pools_by_statement_is_refused(database_url, tmp_path):
    options = {"ignore_startup_parameters": "extra_float_digits, options"}
    with pgbouncer(database_url, tmp_path / "pgb", "statement", **options) as pooled:
        engine = make_engine(pooled, direct=database_url)
        with pytest.raises(ConfigurationError, match="set its pool_mode to transaction or session"):
            pooling.require_sessions(engine)
        engine.dispose()


def _refused_without(pooled: sa.URL, server: sa.URL) -> None:
    engine = make_engine(pooled)
    with pytest.raises(ConfigurationError, match="set CALLING_DATABASE_DIRECT_URL to the address of PostgreSQL itself"):
        pooling.require_sessions(engine)
    engine.dispose()
    engine = make_engine(pooled, direct=pooled.update_query_dict({"application_name": "too"}))
    with pytest.raises(ConfigurationError, match="DIRECT_URL leads through a pooler too"):
        pooling.require_sessions(engine)
    engine.dispose()


def _works_with(pooled: sa.URL, server: sa.URL, folder: Path, simulator: Simulator) -> None:
    """Two batches at once, a plan and every statement of theirs through the pooler; nobody is called twice."""
    settings = load(
        home=folder / "home",
        database_url=text_of(pooled),
        database_direct_url=text_of(server),
        secret_key="a key for tests that is long enough",
    )
    runtime = Runtime(settings)
    runtime.migrate()
    runtime.require_schema()
    desk = make_desk(runtime.engine, settings, simulator)
    desk.work_orders([phone(number) for number in range(200)])
    desk.task()
    batches = [desk.plan(), desk.plan()]
    dependencies = desk.dependencies(rate_per_s=400)
    done = asyncio.run(runs.push_all(dependencies, [batch.id for batch in batches]))
    assert [batch.state for batch in done] == ["completed", "completed"]
    assert len(desk.gateway_calls()) == 200
    desk.judge()
    runtime.close()
