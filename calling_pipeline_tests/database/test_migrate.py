"""The schema: one command brings any database to it, and it is what the tables say."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

import calling_pipeline
from calling_pipeline.database import migrate
from calling_pipeline.database.engine import driver_connection, make_engine
from calling_pipeline.database.tables import metadata
from calling_pipeline.errors import ConfigurationError, DatabaseUnavailable
from calling_pipeline.task_ledger.ledger import save_task_details
from calling_pipeline.task_ledger.records import TaskDetails
from calling_pipeline.telephony.pool import allocation


def test_tables_and_the_migrated_database_agree(connection):
    for module in pkgutil.walk_packages(calling_pipeline.__path__, "calling_pipeline."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
    assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing_the_second_time(empty_database_url):
    engine = make_engine(empty_database_url)
    assert migrate.upgrade(engine) == (None, migrate.newest_revision())
    assert migrate.upgrade(engine) == (migrate.newest_revision(), migrate.newest_revision())
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(engine):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_future'"))
    with pytest.raises(ConfigurationError, match=r"9999_future.*newer than this program"):
        migrate.upgrade(engine)
    with engine.connect() as connection:
        assert migrate.current_revision(connection) == "9999_future"


def test_an_unmigrated_database_names_the_command(empty_database_url):
    engine = make_engine(empty_database_url)
    with engine.connect() as connection, pytest.raises(ConfigurationError, match="calling-pipeline migrate"):
        migrate.require_current(connection)
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


def test_a_database_with_rows_of_an_older_schema_is_brought_forward(empty_database_url):
    engine = make_engine(empty_database_url)
    with engine.begin() as connection:
        older = Config()
        older.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
        older.attributes["connection"] = connection
        command.upgrade(older, "0007_telephony")
        connection.exec_driver_sql(
            "INSERT INTO infinity_configs (tenant_id, name, api_url, app_id, enabled, strategy, max_concurrent_calls,"
            " ring_timeout_s, cool_down_s, quarantine_after, quarantine_s, caller_numbers, contact_rules, created_at,"
            " updated_at) VALUES (1, 'office', 'https://infinity.test', 'app', true, 'lru', 5, 30, 0, 3, 600, '{}', '{}',"
            " now(), now());"
            "INSERT INTO extension_pool (config_id, number, state, holder, lease_until, created_at) VALUES"
            " (1, '1000', 'available', NULL, NULL, now()), (1, '1001', 'in_use', 7, now(), now()),"
            " (1, '1002', 'offline', NULL, NULL, now());"
            "INSERT INTO collectors (tenant_id, id, callback_number_sealed, callback_number_masked, created_at, updated_at)"
            " VALUES (1, 8, '', '', now(), now());"
            "INSERT INTO task_ledger (task_id, feature, state, credits, free, charged_act, details, created_at, created_by,"
            " updated_at, updated_by, finished_at, saves, last_outcome) VALUES"
            " ('a', 'x', 'pending', 3, false, 'a', '{}', now(), '', now(), '', NULL, 1, 'created')"
        )
    assert migrate.upgrade(engine) == ("0007_telephony", migrate.newest_revision())
    with engine.begin() as connection:
        allocated = allocation.allocate(driver_connection(connection), 1, 8)
        saved = save_task_details(connection, TaskDetails("a", "x", "completed"))
    assert (allocated.number, saved.outcome, saved.charge) == ("1000", "updated", "charged")
    engine.dispose()
