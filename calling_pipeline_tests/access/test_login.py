"""Logging in: passwords, links that work once, and how a guesser is slowed down."""

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.access.login import login
from calling_pipeline.access.login.records import LINK_VALID, OF_A_NAME
from calling_pipeline.access.people import passwords
from calling_pipeline.access.people.people import add, change, set_password
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.errors import Busy, Conflict, InvalidInput, LoginRefused, NotFound, SlowedDown
from calling_pipeline_tests.support import LIMIT_S, join_all, run_together, wait_until

PASSWORD = "correct horse battery"
HERE = {"address": "10.0.0.9"}


@pytest.fixture
def ann(engine):
    with engine.begin() as connection:
        add(connection, "Ann", "operator", by="root", tenant_id=3)
        return set_password(connection, "ann", PASSWORD, by="root")


@pytest.fixture
def clock():
    """A clock that the test moves."""
    now = [dt.datetime(2026, 11, 20, 9, tzinfo=days.SHANGHAI)]
    days.set_clock(lambda: now[0])
    return now


def rows(engine, act):
    with engine.begin() as connection:
        return audit.entries(connection, act=act, limit=100)[0]


def open_sessions(engine):
    with engine.begin() as connection:
        return connection.execute(sa.text("SELECT count(*) FROM access_sessions WHERE ended_at IS NULL")).scalar_one()


def test_the_right_password_opens_a_session_and_is_noted(engine, ann):
    session = login.by_password(engine, " ANN ", PASSWORD, **HERE)
    assert session.person == ann
    (row,) = rows(engine, "login.accept")
    assert (row.person, row.subject, row.tenant_id) == ("Ann", "person:Ann", 3)
    assert row.after == {"address": "10.0.0.9", "way": "password"}


def test_nothing_of_a_password_or_a_session_can_be_read_in_the_database(engine, ann):
    session = login.by_password(engine, "ann", PASSWORD, **HERE)
    with engine.begin() as connection:
        tables = ("people", "access_sessions", "access_tokens", "login_links", "login_attempts", "audit_log")
        text = "".join(str(connection.execute(sa.text(f"SELECT t::text FROM {table} AS t")).all()) for table in tables)
    assert PASSWORD not in text
    assert session.secret not in text
    assert "$argon2id$" in text


@pytest.mark.parametrize("name", ["ann", "nobody", PASSWORD])
def test_a_wrong_password_and_an_unknown_name_are_refused_alike_and_noted(engine, ann, name):
    with pytest.raises(LoginRefused, match=r"^the name or the password is wrong$"):
        login.by_password(engine, name, "wrong", **HERE)
    (row,) = rows(engine, "login.refuse")
    known = name == "ann"
    assert (row.person, row.subject) == (("Ann", "person:Ann") if known else ("unknown", "person:unknown"))
    assert PASSWORD not in str(row)


def test_an_unknown_name_takes_the_same_steps_as_a_known_one(engine, ann, monkeypatch):
    verified = []
    hasher = passwords._hasher()
    real = hasher.verify

    class Counting:
        hash = hasher.hash

        @staticmethod
        def verify(stored, password):
            verified.append(stored.split("$")[1:4])  # algorithm, version, cost
            return real(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    for name in ("ann", "nobody"):
        with pytest.raises(LoginRefused):
            login.by_password(engine, name, "wrong", **HERE)
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_a_person_without_a_password_or_disabled_does_not_log_in(engine, ann):
    with engine.begin() as connection:
        add(connection, "Bob", "viewer", by="root")
        change(connection, "Ann", {"active": False}, by="root")
    for name in ("bob", "ann"):
        with pytest.raises(LoginRefused):
            login.by_password(engine, name, PASSWORD, **HERE)


def test_who_was_disabled_while_the_password_was_verified_does_not_log_in(engine, ann, monkeypatch):
    real = passwords.matches

    def slow(stored, password):
        with engine.begin() as connection:
            change(connection, "Ann", {"active": False}, by="root")
        return real(stored, password)

    monkeypatch.setattr(passwords, "matches", slow)
    with pytest.raises(LoginRefused):
        login.by_password(engine, "ann", PASSWORD, **HERE)
    assert open_sessions(engine) == 0


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_a_password_has_a_length(engine, ann, password):
    with engine.begin() as connection, pytest.raises(InvalidInput):
        set_password(connection, "ann", password, by="root")


def test_a_new_password_and_being_disabled_end_every_session_and_link(engine, ann):
    for act in (
        lambda connection: set_password(connection, "ann", PASSWORD, by="root"),
        lambda connection: change(connection, "ann", {"active": False}, by="root"),
    ):
        with engine.begin() as connection:
            link = login.make_link(connection, "ann", by="root")
        login.by_password(engine, "ann", PASSWORD, **HERE)
        assert open_sessions(engine) == 1
        with engine.begin() as connection:
            act(connection)
        assert open_sessions(engine) == 0
        with engine.begin() as connection:
            change(connection, "ann", {"active": True}, by="root")
        with pytest.raises(LoginRefused):
            login.by_link(engine, link, **HERE)
        assert open_sessions(engine) == 0


def test_a_login_never_takes_over_the_session_that_the_browser_brought(engine, ann):
    first = login.by_password(engine, "ann", PASSWORD, **HERE)
    second = login.by_password(engine, "ann", PASSWORD, **HERE, replaces=first.secret)
    planted = login.by_password(engine, "ann", PASSWORD, **HERE, replaces="planted by somebody else")
    assert len({first.secret, second.secret, planted.secret, "planted by somebody else"}) == 4
    assert open_sessions(engine) == 2


def test_a_link_logs_in_once_of_two_who_use_it_at_the_same_time(engine, ann):
    with engine.begin() as connection:
        link = login.make_link(connection, "ann", by="boss")
    ended = []

    def use():
        try:
            ended.append(login.by_link(engine, link, **HERE).person.name)
        except LoginRefused:
            ended.append("refused")

    run_together(*[use] * 8)
    assert sorted(ended) == ["Ann"] + ["refused"] * 7
    assert open_sessions(engine) == 1
    assert [row.person for row in rows(engine, "login.link")] == ["boss"]


def test_a_link_expires(engine, ann, clock):
    with engine.begin() as connection:
        link = login.make_link(connection, "ann", by="root")
    clock[0] += LINK_VALID
    with pytest.raises(LoginRefused, match="ask for a new one"):
        login.by_link(engine, link, **HERE)


def test_nobody_gets_a_link_for_a_disabled_person(engine, ann):
    with engine.begin() as connection:
        change(connection, "ann", {"active": False}, by="root")
        with pytest.raises(Conflict):
            login.make_link(connection, "ann", by="root")


def test_logging_out_ends_the_session_and_is_noted_once(engine, ann):
    session = login.by_password(engine, "ann", PASSWORD, **HERE)
    login.end(engine, session.secret)
    login.end(engine, session.secret)
    assert open_sessions(engine) == 0
    assert [row.person for row in rows(engine, "login.end")] == ["Ann"]


def test_a_guesser_of_one_name_waits_longer_and_longer_from_every_address(engine, ann, clock):
    for number in range(6):
        with pytest.raises(LoginRefused):
            login.by_password(engine, "ann", "wrong", address=f"10.0.0.{number}")
    with pytest.raises(SlowedDown) as slowed:
        login.by_password(engine, "ann", PASSWORD, address="10.0.0.99")
    assert slowed.value.retry_after_s == 1
    clock[0] += dt.timedelta(seconds=1)
    for wait in (2, 4, 8, 16, 32, 60, 60):
        with pytest.raises(LoginRefused):
            login.by_password(engine, "ann", "wrong", address="10.0.0.98")
        with pytest.raises(SlowedDown) as slowed:
            login.by_password(engine, "ann", "wrong", address="10.0.0.98")
        assert slowed.value.retry_after_s == wait
        clock[0] += dt.timedelta(seconds=wait)
    assert login.by_password(engine, "ann", PASSWORD, **HERE).person == ann
    with pytest.raises(LoginRefused):
        login.by_password(engine, "ann", "wrong", **HERE)


def test_a_guesser_of_many_names_is_slowed_by_address_and_others_are_not(engine, ann, clock):
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO login_attempts (key, attempts, last_at, next_at) VALUES (:key, 40, :now, :now)"),
            {"key": login._keys("", "10.0.0.9")[1], "now": clock[0]},
        )
    with pytest.raises(LoginRefused):
        login.by_link(engine, "guessed", **HERE)
    with pytest.raises(SlowedDown, match="try again in 900 s"):
        login.by_password(engine, "ann", PASSWORD, **HERE)
    assert login.by_password(engine, "ann", PASSWORD, address="10.0.0.10").person == ann


def test_guesses_at_the_same_time_are_counted_before_anything_is_verified(engine, ann, clock, monkeypatch):
    verified, ended = [], []

    def wrong(stored, password):
        verified.append(password)
        return False

    monkeypatch.setattr(passwords, "matches", wrong)

    def guess():
        try:
            login.by_password(engine, "ann", "wrong", **HERE)
        except (LoginRefused, SlowedDown) as error:
            ended.append(type(error).__name__)

    run_together(*[guess] * 20)
    assert len(verified) == OF_A_NAME.free + 1  # the last of them begins the wait
    assert len(ended) == 20


def test_few_passwords_are_verified_at_once_and_too_many_are_refused(monkeypatch):
    holding, go_on = [], threading.Event()

    class Held:
        @staticmethod
        def verify(stored, password):
            holding.append(password)
            assert go_on.wait(LIMIT_S)

    monkeypatch.setattr(passwords, "_hasher", Held)
    monkeypatch.setattr(passwords, "_PATIENCE_S", LIMIT_S)
    refused = []

    def verify():
        try:
            passwords.matches("stored", "x")
        except Busy:
            refused.append(1)

    threads = [threading.Thread(target=verify) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: (len(refused), len(holding)) == (4, passwords.AT_ONCE))
    go_on.set()
    join_all(*threads)
    assert len(holding) == 16


def test_who_gives_the_present_password_replaces_it_and_stays_logged_in_here_only(engine, ann):
    here, elsewhere = (login.by_password(engine, "ann", PASSWORD, **HERE) for _ in range(2))
    ended = login.change_own_password(engine, "Ann", PASSWORD, "another long password", keeps=here.id, address="10.0.0.9")
    assert ended == 1
    with engine.begin() as connection:
        query = sa.text("SELECT id, ended_at IS NULL FROM access_sessions ORDER BY id")
        assert [tuple(row) for row in connection.execute(query)] == [(here.id, True), (elsewhere.id, False)]
    assert login.by_password(engine, "ann", "another long password", **HERE).person.name == "Ann"
    with pytest.raises(LoginRefused):
        login.by_password(engine, "ann", PASSWORD, **HERE)


def test_a_wrong_present_password_changes_nothing_and_slows_the_next_attempts(engine, ann, clock):
    for _ in range(OF_A_NAME.free + 1):
        with pytest.raises(InvalidInput, match="present password is wrong") as refused:
            login.change_own_password(engine, "Ann", "guessed", "another long password", address="10.0.0.9")
        assert refused.value.field == "old"
    with pytest.raises(SlowedDown):
        login.change_own_password(engine, "Ann", PASSWORD, "another long password", address="10.0.0.9")
    clock[0] += dt.timedelta(minutes=20)
    assert login.by_password(engine, "ann", PASSWORD, **HERE).person == ann


def test_who_came_by_a_link_sets_a_first_password_without_an_old_one_and_only_once(engine):
    with engine.begin() as connection:
        add(connection, "Bo", "viewer", by="root")
    login.change_own_password(engine, "Bo", "", "a first long password", address="10.0.0.9")
    with pytest.raises(InvalidInput, match="present password is wrong"):
        login.change_own_password(engine, "Bo", "", "a second long password", address="10.0.0.9")


def test_a_person_ends_their_own_sessions_one_or_all_others_and_nobody_else_s(engine, ann):
    with engine.begin() as connection:
        bo = set_password(connection, add(connection, "Bo", "viewer", by="root").name, PASSWORD, by="root")
    mine = [login.by_password(engine, "ann", PASSWORD, **HERE).id for _ in range(3)]
    other = login.by_password(engine, "bo", PASSWORD, **HERE).id
    with engine.begin() as connection:
        with pytest.raises(NotFound, match="ended already"):
            login.end_one(connection, ann, other, by="Ann")
        login.end_one(connection, ann, mine[0], by="Ann")
        assert login.end_others(connection, ann, keeps=mine[2], by="Ann") == 1
        now = days.now()
        assert [one.id for one in session_store.open_of(connection, ann.id, now=now)] == [mine[2]]
        assert [one.id for one in session_store.open_of(connection, bo.id, now=now)] == [other]
    assert [row.after for row in rows(engine, "login.end")] == [{"sessions": 1}, {"sessions": 1}]
