"""The database that migrations make is the one that `tables.py` and the `.sql` files declare, down to its functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.database import migrate, revisions
from calling_pipeline.database.engine import driver_connection, make_engine
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline.telephony.pool import allocation
from calling_pipeline_tests.conftest import TEMPLATE, temporary_database
from calling_pipeline_tests.database.catalog import Snapshot, create_declared, differences, snapshot
from calling_pipeline_tests.database.scripts import scripts

SCHEMA_OF_0010 = Path(__file__).with_name("schema_of_0010.sql").read_bytes()
ROWS_OF_0010 = """
    INSERT INTO infinity_configs (tenant_id, name, api_url, app_id, enabled, strategy, max_concurrent_calls,
        ring_timeout_s, cool_down_s, quarantine_after, quarantine_s, caller_numbers, contact_rules, created_at, updated_at)
    VALUES (1, 'office', 'https://infinity.test', 'app', true, 'lru', 5, 30, 0, 3, 600, '{}', '{}', now(), now());
    INSERT INTO extension_pool (config_id, number, state, holder, lease_until, lent_at, created_at) VALUES
        (1, '1000', 'available', NULL, NULL, NULL, now()), (1, '1001', 'in_use', 7, now(), now(), now()),
        (1, '1002', 'offline', NULL, NULL, NULL, now());
    INSERT INTO collectors (tenant_id, id, callback_number_sealed, callback_number_masked, created_at, updated_at)
    VALUES (1, 8, '', '', now(), now());
    SELECT save_task('a', 'x', 'pending', 3, false, NULL, '{}', now(), '');
"""

CHANGES = {
    "a function is missing": "DROP FUNCTION allocate_extension",
    "a function differs": "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "a function's volatility differs": "ALTER FUNCTION task_outcome VOLATILE",
    "a view is missing": "DROP VIEW extension_statistics",
    "a view differs": "CREATE OR REPLACE VIEW extension_statistics AS SELECT *, 1 AS more FROM (%s) AS v",
    "a trigger is missing": "DROP TRIGGER call_log_append_only ON call_log",
    "a trigger is disabled": "ALTER TABLE call_log DISABLE TRIGGER call_log_append_only",
    "a trigger differs": "DROP TRIGGER call_log_append_only ON call_log; CREATE TRIGGER call_log_append_only"
    " BEFORE DELETE ON call_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "an index is missing": "DROP INDEX ix_call_tasks_in_flight",
    "an index differs": "DROP INDEX ix_call_tasks_batch; CREATE INDEX ix_call_tasks_batch ON call_tasks (batch_id)",
    "a check is missing": "ALTER TABLE task_ledger DROP CONSTRAINT ck_task_ledger_sound",
    "a check differs": "ALTER TABLE task_charges DROP CONSTRAINT ck_task_charges_credits_positive;"
    " ALTER TABLE task_charges ADD CONSTRAINT ck_task_charges_credits_positive CHECK (credits >= 0)",
    "a foreign key is missing": "ALTER TABLE task_charges DROP CONSTRAINT fk_task_charges_task_id_task_ledger",
    "a column is missing": "ALTER TABLE call_log DROP COLUMN message",
    "a column's type differs": "ALTER TABLE call_log ALTER COLUMN attempt TYPE integer",
    "a column may be null": "ALTER TABLE call_log ALTER COLUMN outcome DROP NOT NULL",
    "a default differs": "ALTER TABLE extension_pool ALTER COLUMN state SET DEFAULT 'offline'",
    "a sequence differs": "ALTER SEQUENCE extension_turns INCREMENT BY 2",
    "a table is missing": "DROP TABLE contact_holidays",
    "a table's fill factor differs": "ALTER TABLE extension_pool RESET (fillfactor)",
    "a table is not partitioned": "DROP TABLE call_records; CREATE TABLE call_records (id bigint)",
    "a comment differs": "COMMENT ON TABLE call_log IS 'another'",
}


@pytest.fixture(scope="module")
def declared(server_url: URL) -> Iterator[Snapshot]:
    """What the files of the package declare."""
    for url in temporary_database(server_url, "template0"):
        engine = make_engine(url)
        with engine.begin() as connection:
            create_declared(connection)
            made = snapshot(connection)
        engine.dispose()
        yield made


@pytest.fixture(scope="module")
def migrated(server_url: URL) -> Iterator[sa.Engine]:
    """A database that all migrations made; tests roll back what they do to it."""
    for url in temporary_database(server_url, TEMPLATE):
        engine = make_engine(url)
        yield engine
        engine.dispose()


def snapshot_of(engine: sa.Engine) -> Snapshot:
    with engine.connect() as connection:
        return snapshot(connection)


def test_the_migrated_database_is_the_declared_one(declared, migrated):
    assert differences(declared, snapshot_of(migrated)) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_database_that_differs_in_one_thing_is_noticed(declared, migrated, change):
    statement = CHANGES[change].replace("%s", declared["view", "extension_statistics"].rstrip(";"))
    with migrated.connect() as connection:
        driver_connection(connection).execute(statement.encode())
        assert differences(declared, snapshot(connection)) != []


def load_0010(url: URL) -> sa.Engine:
    engine = make_engine(url)
    with engine.begin() as connection:
        driver_connection(connection).execute(SCHEMA_OF_0010)
        driver_connection(connection).execute(ROWS_OF_0010.encode())
    return engine


def test_a_database_of_the_first_ten_migrations_becomes_like_a_new_one_and_its_rows_work(empty_database_url, migrated):
    engine = load_0010(empty_database_url)
    assert migrate.upgrade(engine) == ("0010_call_task_indexes", revisions.newest_revision())
    assert differences(snapshot_of(engine), snapshot_of(migrated)) == []
    with engine.begin() as connection:
        allocated = allocation.allocate(driver_connection(connection), 1, 8)
        saved = save_task_details(connection, TaskDetails("a", "x", "completed"))
    assert (allocated.number, saved.outcome, saved.charge) == ("1000", "updated", "charged")
    engine.dispose()


def test_every_migration_but_the_first_has_a_way_back_that_restores_what_was(empty_database_url, migrated):
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    head = revisions.newest_revision()
    seen = {head: snapshot_of(engine)}
    for script in list(scripts().walk_revisions()):
        if isinstance(script.down_revision, str):
            assert migrate.downgrade(engine, script.down_revision) == (script.revision, script.down_revision)
            seen[script.down_revision] = snapshot_of(engine)
    assert migrate.upgrade(engine) == ("0010_call_task_indexes", head)
    assert differences(snapshot_of(engine), seen[head]) == []
    engine.dispose()


def test_the_first_schema_is_what_the_ten_migrations_made(server_url, empty_database_url):
    old = load_0010(empty_database_url)
    for url in temporary_database(server_url, "template0"):
        new = make_engine(url)
        migrate.upgrade(new)
        migrate.downgrade(new, "0010_call_task_indexes")
        assert differences(snapshot_of(new), snapshot_of(old)) == []
        new.dispose()
    old.dispose()


def test_the_first_schema_has_no_way_back(empty_database_url):
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    with pytest.raises(ConfigurationError, match="does not know"):
        migrate.downgrade(engine, "base")
    engine.dispose()


def test_telephonys_acts_move_to_the_audit_log_once_and_are_there_again_on_the_way_back(empty_database_url):
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    migrate.downgrade(engine, "0018_people")
    with engine.begin() as connection:
        connection.execute(
            sa.text("""
                INSERT INTO telephony_audit (at, who, tenant_id, action, subject, before, after) VALUES
                (now() - interval '2 days', 'admin-0af12c', 1, 'create', 'config:1', 'null', '{"name": "office"}'),
                (now() - interval '1 day', 'root (command line)', 2, 'set offline', 'extension:7', '{"state": "x"}', NULL),
                (now(), 'admin-0af12c', 2, 'some later act', 'collector:3', NULL, NULL)
            """)
        )
        old = connection.execute(
            sa.text("SELECT who, tenant_id, action, subject, after FROM telephony_audit ORDER BY id")
        ).all()
    for _ in range(2):
        migrate.upgrade(engine)
        with engine.begin() as connection:
            moved = connection.execute(
                sa.text("SELECT person, door, act, subject, tenant_id, before IS NULL FROM audit_log ORDER BY id")
            ).all()
        assert moved == [
            ("admin-0af12c", "api", "config.create", "config:1", 1, True),
            ("root (command line)", "command line", "extension.offline", "extension:7", 2, False),
            ("admin-0af12c", "api", "collector.some_later_act", "collector:3", 2, True),
        ]
        migrate.downgrade(engine, "0018_people")
        with engine.begin() as connection:
            back = connection.execute(
                sa.text("SELECT who, tenant_id, action, subject, after FROM telephony_audit ORDER BY id")
            ).all()
        assert back == old
    engine.dispose()
