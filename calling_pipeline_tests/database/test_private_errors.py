"""No error of the database repeats data: not the parameters, not the row, not the line that was read, not the value."""

import logging
import traceback

import psycopg
import pytest
import sqlalchemy as sa

from calling_pipeline.database.engine import driver_connection

PHONE, NAME, SECRET = "13812345678", "Zhang Wuji", "s3cr3t-access-key"
TABLE = "CREATE TEMPORARY TABLE people (phone text UNIQUE, name text, n int CHECK (n < 10), born date)"


def refused_unique(connection):
    statement = sa.text("INSERT INTO people (phone, name) VALUES (:phone, :name)")
    for _ in range(2):
        connection.execute(statement, {"phone": PHONE, "name": NAME})


def refused_check(connection):
    connection.execute(sa.text("INSERT INTO people VALUES (:phone, :name, 10)"), {"phone": PHONE, "name": SECRET})


def refused_many(connection):
    rows = [{"phone": PHONE, "name": NAME, "n": n} for n in (1, 99)]
    connection.execute(sa.text("INSERT INTO people (phone, name, n) VALUES (:phone, :name, :n)"), rows)


def refused_value(connection):
    connection.execute(sa.text("SELECT CAST(CAST(:value AS text) AS int)"), {"value": f"{SECRET} {PHONE} {NAME}"})


def refused_nul(connection):
    connection.execute(sa.text("SELECT CAST(:value AS text)"), {"value": f"{PHONE}\x00{SECRET}"})


def refused_copy(connection):
    with driver_connection(connection).cursor().copy("COPY people (phone, name, born) FROM STDIN") as copy:
        copy.write(f"{PHONE}\t{NAME}\t{SECRET}\n")


def refused_by_driver(connection):
    driver_connection(connection).execute("INSERT INTO people (phone, n) VALUES (%s, %s)", [PHONE, SECRET])


def refused_syntax(connection):
    driver_connection(connection).execute(f"SELECT '{PHONE}' AS {SECRET}")


@pytest.mark.parametrize(
    "act",
    [
        refused_unique,
        refused_check,
        refused_many,
        refused_value,
        refused_nul,
        refused_copy,
        refused_by_driver,
        refused_syntax,
    ],
)
def test_an_error_says_what_is_wrong_and_repeats_no_data(engine, act, caplog):
    with engine.connect() as connection:
        connection.exec_driver_sql(TABLE)
        with pytest.raises((sa.exc.SQLAlchemyError, psycopg.Error)) as caught:
            act(connection)
    logging.getLogger("test").error("it failed", exc_info=caught.value)
    whole = "".join(traceback.format_exception(caught.value, limit=0)) + str(caught.value) + repr(caught.value)
    shown = whole + "".join(record.exc_text or "" for record in caplog.records)
    for value in (PHONE, NAME, SECRET):
        assert value not in shown
    assert len(str(caught.value)) > 20, "the sentence itself is kept"


def test_programs_still_find_what_was_refused(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql(TABLE)
        with pytest.raises(sa.exc.IntegrityError) as caught:
            refused_unique(connection)
    original = caught.value.orig
    assert isinstance(original, psycopg.errors.UniqueViolation)
    assert original.diag.constraint_name == "people_phone_key"
    assert PHONE in (original.diag.message_detail or "")
    assert "people_phone_key" in str(caught.value)
