"""Waiting for a lost database."""

import asyncio
import logging

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from calling_pipeline.database.retry import Transactions, retry_while_lost

QUICK = {"first_wait_s": 0.001, "longest_wait_s": 0.002}


def lost() -> OperationalError:
    return OperationalError("SELECT :phone", {"phone": "13800000001"}, Exception("the connection is closed"))


def test_an_act_is_repeated_until_the_database_answers():
    tries = []

    async def act() -> int:
        tries.append(1)
        if len(tries) < 4:
            raise lost()
        return len(tries)

    assert asyncio.run(retry_while_lost(act, **QUICK)) == 4


def test_it_gives_up_in_the_end_with_the_error_itself():
    async def act() -> None:
        raise lost()

    with pytest.raises(OperationalError):
        asyncio.run(retry_while_lost(act, give_up_after_s=0.01, **QUICK))


def test_an_error_of_the_work_itself_is_raised_at_once():
    tries = []

    async def act() -> None:
        tries.append(1)
        raise IntegrityError("", {}, Exception())

    with pytest.raises(IntegrityError):
        asyncio.run(retry_while_lost(act, **QUICK))
    assert len(tries) == 1


def test_what_is_logged_of_a_lost_database_has_no_statement_and_no_values(caplog):
    tries = []

    async def act() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise lost()

    caplog.set_level(logging.INFO, "calling_pipeline")
    asyncio.run(retry_while_lost(act, **QUICK))
    assert [record.getMessage() for record in caplog.records] == ["OperationalError; attempt 2 follows in 0.0 s"]


def test_a_transaction_is_repeated_when_its_connections_were_cut(engine):
    database = Transactions(engine)
    with engine.connect() as own:
        asyncio.run(database.once(lambda connection: connection.execute(sa.text("SELECT 1"))))  # a connection in the pool
        own.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        assert asyncio.run(database.until_committed(lambda c: c.execute(sa.text("SELECT 2")).scalar_one())) == 2
