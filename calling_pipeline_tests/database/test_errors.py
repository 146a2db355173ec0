"""Which rule an error names."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from calling_pipeline.database.engine import make_engine
from calling_pipeline.database.errors import violated_constraint

HOLIDAY = sa.text("INSERT INTO contact_holidays (day, name) VALUES ('2026-12-25', 'Christmas')")


def test_a_violated_constraint_is_named(connection):
    connection.execute(HOLIDAY)
    with pytest.raises(IntegrityError) as caught:
        connection.execute(HOLIDAY)
    assert violated_constraint(caught.value) == "pk_contact_holidays"


def test_an_error_that_violates_no_constraint_names_none(connection):
    with pytest.raises(DBAPIError) as caught:
        connection.execute(sa.text("SELECT 1 / 0"))
    assert violated_constraint(caught.value) == ""


def test_a_database_that_is_not_there_names_none():
    engine = make_engine(sa.make_url("postgresql+psycopg://someone@127.0.0.1:9/calling"))
    with pytest.raises(OperationalError) as caught:
        engine.connect()
    assert violated_constraint(caught.value) == ""
