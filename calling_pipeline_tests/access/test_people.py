"""People: names, roles, bindings, and what ends when somebody is disabled. Every act is in the audit log."""

import pytest
import sqlalchemy as sa

from calling_pipeline.access.audit import store as audit
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.access.people import people
from calling_pipeline.access.people import store as people_store
from calling_pipeline.access.people.people import add, change, ensure_admin, find
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline_tests.support import run_together


@pytest.fixture
def ours(engine):
    with engine.begin() as connection:
        yield connection


def acts(connection, subject="*"):
    rows, _ = audit.entries(connection, subject=subject, limit=100)
    return [(row.person, row.act, row.subject) for row in reversed(rows)]


def test_a_name_belongs_to_one_person_whatever_its_letters_case(ours):
    add(ours, " Li Wei ", "operator", by="root")
    with pytest.raises(Conflict, match="called LI WEI already"), ours.begin_nested():
        add(ours, "LI WEI", "viewer", by="root")
    assert find(ours, "li wei").name == "Li Wei"
    assert acts(ours) == [("root", "person.add", "person:Li Wei")]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"role": "boss"}, "role"),
        ({"collector_id": 7}, "collector_id"),
        ({"grants": ["people"]}, "grants"),
        ({"grants": ["telephony"]}, "grants"),
        ({"language": "fr"}, "language"),
    ],
)
def test_what_a_person_cannot_be_is_refused_with_its_field(ours, values, field):
    with pytest.raises(InvalidInput) as refused:
        add(ours, **{"name": "a", "role": "viewer", **values}, by="root")
    assert refused.value.field == field
    assert acts(ours) == []


def test_a_change_is_noted_with_what_it_was_and_became(ours):
    add(ours, "Ann", "viewer", by="root", tenant_id=3)
    change(ours, "ann", {"role": "operator", "grants": ["batches", "statistics"]}, by="boss", reason="from July on")
    entry = audit.entries(ours, act="person.change", limit=1)[0][0]
    assert (entry.before, entry.after) == (
        {"role": "viewer", "grants": []},
        {"role": "operator", "grants": ["statistics", "batches"]},
    )
    assert (entry.person, entry.tenant_id, entry.reason) == ("boss", 3, "from July on")


def test_a_change_that_changes_nothing_is_no_act(ours):
    add(ours, "Ann", "viewer", by="root")
    change(ours, "ann", {"role": "viewer", "active": True}, by="boss")
    assert [act for _, act, _ in acts(ours)] == ["person.add"]


def test_an_unknown_person_and_an_unknown_field_are_refused(ours):
    with pytest.raises(NotFound, match="users list"):
        change(ours, "nobody", {"role": "viewer"}, by="root")
    add(ours, "Ann", "viewer", by="root")
    with pytest.raises(InvalidInput, match="name"):
        change(ours, "Ann", {"name": "Bob"}, by="root")


@pytest.mark.parametrize("changes", [{"active": False}, {"role": "operator"}, {"tenant_id": 3}])
def test_the_last_admin_of_all_tenants_stays(ours, changes):
    ensure_admin(ours)
    add(ours, "bound", "admin", by="root", tenant_id=3)
    with pytest.raises(Conflict, match="only active admin"):
        change(ours, "admin", changes, by="root")
    add(ours, "second", "admin", by="root")
    change(ours, "admin", changes, by="root")


def test_of_two_admins_who_disable_each_other_at_the_same_time_one_stays(engine):
    with engine.begin() as connection:
        add(connection, "one", "admin", by="root")
        add(connection, "two", "admin", by="root")
    refused = []

    def disable(name):
        try:
            with engine.begin() as connection:
                change(connection, name, {"active": False}, by="root")
        except (Conflict, sa.exc.OperationalError) as error:  # or the database ends one of two who wait for each other
            refused.append(error)

    run_together(lambda: disable("one"), lambda: disable("two"))
    with engine.begin() as connection:
        assert [person.active for person in people_store.every(connection)].count(True) == 1
    assert len(refused) == 1


def test_a_new_installation_gets_one_admin_however_many_begin_it(engine):
    def begin():
        with engine.begin() as connection:
            ensure_admin(connection)

    with engine.begin() as connection:
        assert ensure_admin(connection).name == people.FIRST_ADMIN
        assert ensure_admin(connection) is None
    run_together(begin, begin)
    with engine.begin() as connection:
        assert [person.name for person in people_store.every(connection)] == ["admin"]
        assert acts(connection) == [("program", "person.add", "person:admin")]


def test_an_installation_that_has_an_admin_gets_no_other(ours):
    add(ours, "Ann", "admin", by="root")
    assert ensure_admin(ours) is None


def test_acts_are_found_by_a_text_within_their_reason(ours):
    for reason in ("from July on", "100%_sure", ""):
        note_act(ours, "batch.pause", "batch:1", by="Ann", reason=reason)

    def found(reason, **more):
        rows, total = audit.entries(ours, reason=reason, limit=10, **more)
        return [row.reason for row in rows], total

    assert found("JULY") == (["from July on"], 1)
    assert found("%_") == (["100%_sure"], 1)
    assert found("*") == (["100%_sure", "from July on"], 2)
    assert found("*", count_up_to=1)[1] == 1
    assert found(None)[1] == 3
