"""The schema: one command brings any database to it, and it is what the tables say."""

import importlib
import pkgutil

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import calling_pipeline
from calling_pipeline.database import migrate
from calling_pipeline.database.engine import make_engine
from calling_pipeline.database.tables import metadata
from calling_pipeline.errors import ConfigurationError, DatabaseUnavailable


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


def test_a_role_without_rights_is_told_what_to_grant(empty_database_url, server_url):
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
