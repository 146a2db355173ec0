"""Who owns a claim: a session lock that ends with its connection, and what others see of it."""

import sqlalchemy as sa

from calling_pipeline.at_most_once.orphans import SessionLock, is_gone, is_held
from calling_pipeline.database.locks import lock_key

NAME = ("an owner", 7)


def end_session_of(connection: sa.Connection, *name: object) -> None:
    """End the connection that holds the lock, as a restart of PostgreSQL or a network failure does."""
    low = lock_key(*name) & 0xFFFFFFFF
    ended = connection.execute(
        sa.text(
            "SELECT pg_terminate_backend(pid, 120000) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = :low"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"low": low},
    ).scalars()
    assert list(ended) == [True]


def test_one_session_at_a_time_holds_a_lock(database_url):
    one, other, elsewhere = (
        SessionLock(database_url, *NAME),
        SessionLock(database_url, *NAME),
        SessionLock(database_url, "x"),
    )
    assert one.take()
    assert not other.take()
    assert elsewhere.take(), "another name is another lock"
    one.free()
    assert other.take()
    other.free()
    elsewhere.free()


def test_a_lock_is_held_until_it_is_freed_and_only_under_its_name(database_url, connection):
    lock = SessionLock(database_url, *NAME)
    assert not is_held(connection, *NAME)
    assert lock.take()
    assert is_held(connection, *NAME)
    assert not is_held(connection, "an owner", 8)
    lock.free()
    assert not is_held(connection, *NAME)


def test_a_lost_connection_loses_the_lock_and_its_owner_notices(database_url, connection):
    lock = SessionLock(database_url, *NAME)
    assert lock.take()
    assert lock.holds()
    end_session_of(connection, *NAME)
    assert not lock.holds()
    assert not is_held(connection, *NAME)
    assert lock.take(), "and may take it again"
    lock.free()


def test_an_owner_that_is_gone_cannot_come_back_before_the_transaction_ends(database_url, engine):
    lock = SessionLock(database_url, *NAME)
    with engine.begin() as connection:
        assert is_gone(connection, *NAME)
        assert not lock.take()
    assert lock.take()
    with engine.begin() as connection:
        assert not is_gone(connection, *NAME)
    lock.free()


def test_a_key_with_the_highest_bit_set_is_found_too(database_url, connection):
    name = next(("owner", n) for n in range(100) if lock_key("owner", n) < 0)
    lock = SessionLock(database_url, *name)
    assert lock.take()
    assert is_held(connection, *name)
    lock.free()
