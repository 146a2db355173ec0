"""Statements of the hottest paths behave as the driver's own do."""

import datetime as dt

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, TransactionStatus

from calling_pipeline import days
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.database.prepared import Prepared

CHECKED = ((3, 3), (3, 4))
"""The versions of psycopg, from the first to before the second, whose inner parts `Prepared` was checked with."""

ECHO = Prepared(
    sa.text(
        "SELECT CAST(:number AS bigint), CAST(:text AS text), CAST(:at AS timestamptz), CAST(:flag AS boolean),"
        " '100 %', CAST(:number AS bigint) + 1"
    )
)
NONE = Prepared(sa.text("SELECT 1 WHERE CAST(:flag AS boolean)"))
DIVIDE = Prepared(sa.text("SELECT 1 / CAST(:number AS bigint)"))


@pytest.fixture
def driver(database_url):
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("number", [0, 1, -1, 2**15, 2**31, 2**62, None])
def test_values_go_there_and_back(driver, number):
    at = dt.datetime(2026, 11, 23, 9, 30, tzinfo=days.SHANGHAI)
    values = {"number": number, "text": "北京 'quoted' %s :name", "at": at, "flag": None, "more": "passed over"}
    for _ in range(2):
        following = None if number is None else number + 1
        assert ECHO.one(driver, values) == (number, values["text"], at, None, "100 %", following)


def test_no_row_is_none(driver):
    assert NONE.one(driver, {"flag": False}) is None
    assert NONE.one(driver, {"flag": True}) == (1,)


def test_an_error_is_the_drivers_own_and_leaves_the_connection_usable(driver):
    with pytest.raises(psycopg.errors.DivisionByZero):
        DIVIDE.one(driver, {"number": 0})
    assert DIVIDE.one(driver, {"number": 1}) == (1,)


def test_it_begins_a_transaction_where_the_connection_is_not_in_autocommit_mode(database_url):
    count = Prepared(sa.text("INSERT INTO contact_holidays (day, name) VALUES ('2026-12-25', :name) RETURNING name"))
    with psycopg.connect(driver_dsn(database_url)) as connection:
        assert count.one(connection, {"name": "Christmas"}) == ("Christmas",)
        assert connection.info.transaction_status == TransactionStatus.INTRANS
        assert DIVIDE.one(connection, {"number": 1}) == (1,)
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM contact_holidays").fetchone() == (0,)


def test_within_a_pipeline_it_goes_with_the_rest(driver):
    with driver.pipeline():
        assert DIVIDE.one(driver, {"number": 1}) == (1,)


def test_a_lost_connection_is_an_operational_error(driver, database_url):
    assert DIVIDE.one(driver, {"number": 1}) == (1,)
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [driver.info.backend_pid])
    for _ in range(2):  # the first may still get the reason, the second finds no server
        with pytest.raises(psycopg.OperationalError):
            DIVIDE.one(driver, {"number": 1})


def test_names_that_a_rollback_dropped_are_made_again(driver):
    assert DIVIDE.one(driver, {"number": 1}) == (1,)
    driver.execute("BEGIN")
    driver.execute("SELECT 1", prepare=True)
    driver.rollback()
    assert DIVIDE.one(driver, {"number": 1}) == (1,)
    driver.execute("DEALLOCATE ALL")
    assert DIVIDE.one(driver, {"number": 1}) == (1,)


def test_the_driver_is_of_a_version_that_was_checked():
    version = tuple(int(part) for part in psycopg.__version__.split(".")[:2])
    assert CHECKED[0] <= version < CHECKED[1], (
        f"psycopg {psycopg.__version__} was not checked with database/prepared.py, which uses inner parts of it:"
        " see docs/adr/0002-direct-libpq-for-hot-statements.md, then widen CHECKED"
    )


def test_the_inner_parts_of_the_driver_are_there(driver):
    for part in ("prepare", "exec_prepared", "transaction_status", "pipeline_status", "status"):
        assert hasattr(driver.pgconn, part)
    assert hasattr(driver.lock, "acquire")
    transformer = Transformer(driver)
    assert len(transformer.dump_sequence([1, "x"], [PyFormat.AUTO] * 2)) == 2
    assert transformer.types is not None
    assert transformer.formats is not None
    result = driver.pgconn.exec_(b"SELECT 1, 'x'")
    transformer.set_pgresult(result)
    assert transformer.load_row(0, tuple) == (1, "x")
    assert result.error_field(DiagnosticField.SQLSTATE) is None
