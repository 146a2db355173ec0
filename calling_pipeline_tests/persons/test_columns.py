"""Every column that could hold something of a person is reached by erasure, or named with why it holds nothing."""

import sqlalchemy as sa

from calling_pipeline.persons.places import PLACES
from calling_pipeline.persons.records import Person
from calling_pipeline_tests.persons.exempt import exempt_columns

SOMEBODY = Person("13800000000", "13800000000", "138****0000", [b"1"], "erased:1", b"2")
COLUMNS = sa.text("""
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
        AND a.atttypid::regtype::text IN ('text', 'bytea', 'jsonb', 'json', 'character varying', 'text[]', 'bytea[]', 'inet')
""")


def columns_of(engine):
    """(table, column) of every column of the migrated database that can hold a text, bytes or a document."""
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(COLUMNS)}


def reached():
    return {(place.table.name, name) for place in PLACES for name in (*place.becomes(SOMEBODY), *place.texts)}


def test_every_column_is_reached_by_erasure_or_named_with_a_reason(engine):
    there = columns_of(engine)
    exempt = {(table, name) for table, name, _ in exempt_columns()}
    assert there - reached() - exempt == set(), "neither erased (places.py) nor exempt (exempt.py)"
    assert exempt & reached() == set(), "both erased and exempt"
    assert exempt - there == set(), "columns that are not there any more"
    assert all(len(why) > 15 for *_, why in exempt_columns())


def test_a_new_personal_column_is_found(engine):
    before = columns_of(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE call_history ADD COLUMN birthday_greeting text")
    assert columns_of(engine) - before == {("call_history", "birthday_greeting")}
