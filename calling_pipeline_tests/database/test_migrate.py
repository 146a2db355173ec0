"""One command brings any database to the schema; what it cannot bring there is refused in a sentence."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.exc import IntegrityError, OperationalError

from calling_pipeline.database import migrate, revisions
from calling_pipeline.database.engine import make_engine
from calling_pipeline.database.migration_steps import create_index_concurrently
from calling_pipeline.errors import Busy, ConfigurationError, DatabaseUnavailable
from calling_pipeline_tests.database.scripts import scripts
from calling_pipeline_tests.support import LIMIT_S, wait_until


def test_migrating_twice_changes_nothing_the_second_time(empty_database_url):
    engine = make_engine(empty_database_url)
    assert migrate.upgrade(engine) == (None, revisions.newest_revision())
    assert migrate.upgrade(engine) == (revisions.newest_revision(), revisions.newest_revision())
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_future'"))
    with pytest.raises(ConfigurationError, match=r"9999_future.*newer than this program"):
        migrate.upgrade(engine)
    with engine.connect() as connection:
        assert revisions.current_revision(connection) == "9999_future"


def test_a_newer_schema_that_lets_this_program_run_is_worked_with_and_left_alone(engine):
    """A rolling upgrade: the new version has migrated, and this one still runs beside it, or is started again."""
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_future'"))
        revisions.keep_runs_with(connection, ["9998_before", revisions.newest_revision()])
        revisions.require_current(connection)
    assert migrate.upgrade(engine) == ("9999_future", "9999_future")
    with engine.begin() as connection:
        revisions.keep_runs_with(connection, ["9998_before"])
        with pytest.raises(ConfigurationError, match=r"9999_future.*newer than this program"):
            revisions.require_current(connection)


def test_a_database_keeps_with_which_older_programs_its_schema_works(empty_database_url):
    """As far back as each migration says so, and at each moment: an older program may start while a newer one migrates."""
    engine = make_engine(empty_database_url)
    known = revisions.known_revisions()
    seen = []

    def note(connection):
        seen.append(revisions._seen(connection))

    sa.event.listen(sa.Engine, "commit", note)
    try:
        migrate.upgrade(engine)
        migrate.downgrade(engine, known[-2])
    finally:
        sa.event.remove(sa.Engine, "commit", note)
    committed = {revision: list(with_older) for revision, with_older in seen if revision is not None}
    assert list(committed) == known
    stops = [place for place in range(len(known)) if not _previous_runs(known[place])]
    assert stops
    for place, revision in enumerate(known):
        breaking = max(stop for stop in [0, *stops] if stop <= place)
        assert committed[revision] == known[breaking:place][::-1], revision
    with engine.connect() as connection:
        assert revisions._seen(connection) == (known[-2], committed[known[-2]])
        with pytest.raises(ConfigurationError, match="older than this program; run `calling-pipeline migrate`"):
            revisions.require_current(connection)
    engine.dispose()


def _previous_runs(revision):
    return scripts().get_revision(revision).module.PREVIOUS_VERSION_RUNS


def test_an_unmigrated_database_names_the_command(empty_database_url):
    engine = make_engine(empty_database_url)
    with engine.connect() as connection, pytest.raises(ConfigurationError, match="calling-pipeline migrate"):
        revisions.require_current(connection)
    engine.dispose()


def test_an_error_says_what_to_grant_to_a_role_without_rights(empty_database_url, server_url):
    admin = make_engine(empty_database_url)
    with admin.begin() as connection:
        connection.execute(sa.text("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"))
    reader = make_engine(empty_database_url.set(username="reader"))
    with pytest.raises(ConfigurationError, match="grant it CREATE"):
        migrate.upgrade(reader)
    reader.dispose()
    admin.dispose()


def test_an_unreachable_server_is_one_sentence_without_the_password():
    engine = make_engine(sa.make_url("postgresql+psycopg://someone:hidden-word@127.0.0.1:9/calling"))
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:9") as caught:
        migrate.upgrade(engine)
    assert "hidden-word" not in str(caught.value)


def test_a_schema_from_before_the_first_release_is_refused_in_other_words(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0007_telephony'"))
    with pytest.raises(ConfigurationError, match=r"0007_telephony.*before the first release.*0010_call_task_indexes"):
        migrate.upgrade(engine)


def test_a_migration_waits_for_another_one_and_then_says_who_is_busy(engine, monkeypatch):
    with monkeypatch.context() as hurried:
        hurried.setattr(migrate, "LOCK_TIMEOUT_S", 0.3)
        with migrate._migrating(engine), pytest.raises(Busy, match="another session"):
            migrate.upgrade(engine)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_S", LIMIT_S)  # the session of the other one may end a moment later
    assert migrate.upgrade(engine)[0] == revisions.newest_revision()


def test_time_outs_and_the_lock_of_a_migration_end_with_it(empty_database_url):
    engine = make_engine(empty_database_url, pool_size=1, max_overflow=0)
    migrate.upgrade(engine)
    held = """
        SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
        WHERE locktype = 'advisory' AND datname = current_database()
    """
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "0"
        wait_until(lambda: connection.exec_driver_sql(held).scalar_one() == 0)
    engine.dispose()


@pytest.fixture
def migrating(engine):
    """A connection in the state that a migration finds it in, with a table that others use."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (number integer); INSERT INTO numbers VALUES (1), (2), (2)")
    with migrate._migrating(engine) as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with Operations.context(context):
            yield connection


def is_valid(connection, name):
    rows = connection.execute(
        sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": name}
    )
    found = rows.scalars().all()
    connection.rollback()
    return found


def test_an_index_built_concurrently_that_failed_is_dropped_and_built_anew(migrating):
    with pytest.raises(IntegrityError):
        create_index_concurrently("uq_numbers", "numbers", ["number"], unique=True)
    assert is_valid(migrating, "uq_numbers") == [False]
    migrating.exec_driver_sql("DELETE FROM numbers WHERE ctid = '(0,3)'")
    migrating.commit()
    create_index_concurrently("uq_numbers", "numbers", ["number"], unique=True)
    assert is_valid(migrating, "uq_numbers") == [True]
    create_index_concurrently("uq_numbers", "numbers", ["number"], unique=True)  # complete: left as it is


def test_an_index_is_built_concurrently_within_the_time_outs_of_migrations(migrating, engine):
    migrating.exec_driver_sql("SET lock_timeout = '200ms'")
    migrating.commit()
    with engine.begin() as other:
        other.exec_driver_sql("INSERT INTO numbers VALUES (3)")
        with pytest.raises(OperationalError, match="lock timeout"):
            create_index_concurrently("ix_numbers", "numbers", ["number"], postgresql_where=sa.text("number > 0"))
    create_index_concurrently("ix_numbers", "numbers", ["number"], postgresql_where=sa.text("number > 0"))
    assert is_valid(migrating, "ix_numbers") == [True]
    assert migrating.exec_driver_sql("SHOW statement_timeout").scalar_one() == "5min"


def test_a_concurrent_index_does_not_wait_for_a_process_that_waits_to_migrate(migrating, engine, monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_S", LIMIT_S)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(migrate.upgrade, engine)
        create_index_concurrently("ix_numbers", "numbers", ["number"])
        assert is_valid(migrating, "ix_numbers") == [True]
        assert not waiting.done()
        migrating.exec_driver_sql("SELECT pg_advisory_unlock_all()")
        migrating.commit()
        assert waiting.result(LIMIT_S) == (revisions.newest_revision(), revisions.newest_revision())
