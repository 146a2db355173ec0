"""The do-not-call list, by function and by command line."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.cli.main import main
from calling_pipeline.contact_policy import do_not_call, gate, holidays, list_files, store
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.errors import InvalidInput


@pytest.fixture
def run(database_url, monkeypatch):
    address = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("CALLING_DATABASE_URL", address)
    return lambda *words: CliRunner().invoke(main, [*words])


def test_an_import_counts_every_line_and_masks_what_it_rejects(connection, tmp_path):
    file = tmp_path / "list.csv"
    file.write_text(
        "姓名,手机号,到期日,备注\n甲,+86 138-1234-0000,2026-12-31,投诉\n乙,13812340000,,\n丙,138****0000,,\n"
        "丁,１３９００００００００,31.12.2026,\n戊,010-12345678,,\n\n",
        encoding="gb18030",
    )
    done = list_files.import_file(connection, file, source="carrier")
    assert (done.lines, done.new, done.changed, done.unchanged, done.rejected) == (5, 2, 0, 1, 2)
    assert [(item.line, item.phone) for item in done.examples] == [(4, "138****0000"), (5, "139****0000")]
    assert {entry.phone for entry in store.blocked(connection, days.now())} == {"13812340000", "+861012345678"}
    mobile = store.blocked(connection, days.now(), phone="13812340000")
    assert mobile[0].expires_at is None, "of two expiries the longest prohibition stays"


def test_importing_the_same_file_again_changes_nothing(connection, tmp_path):
    file = tmp_path / "numbers.txt"
    file.write_text("13812340000\n13912340000\n")
    assert list_files.import_file(connection, file, source="carrier").new == 2
    again = list_files.import_file(connection, file, source="carrier")
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)


def test_a_dry_run_says_what_the_import_then_does_and_changes_nothing(connection, tmp_path):
    file = tmp_path / "list.csv"
    do_not_call.add(connection, "13812340000", source="carrier", note="kept")
    do_not_call.add(connection, "13912340000", source="carrier")
    file.write_text(
        "phone,expires,note\n13812340000,,another note\n13912340000,,\n13712340000,2030-01-01,\n13712340000,,\nx,,\n"
    )
    before = len(store.history(connection, "13812340000"))
    planned = list_files.import_file(connection, file, source="carrier", dry_run=True)
    assert (planned.new, planned.changed, planned.unchanged, planned.repeated, planned.rejected) == (1, 1, 2, 1, 1)
    assert planned.lines == planned.new + planned.changed + planned.unchanged + planned.rejected
    verdicts = [(one.line, one.phone, one.verdict) for one in planned.taken]
    assert verdicts == [
        (2, "138****0000", "changed"),
        (3, "139****0000", "unchanged"),
        (4, "137****0000", "repeated"),
        (5, "137****0000", "new"),
    ]
    assert len(store.history(connection, "13812340000")) == before
    assert store.blocked(connection, days.now(), phone="13712340000") == []
    assert audit.entries(connection, act="do_not_call.import", limit=1)[1] == 0
    done = list_files.import_file(connection, file, source="carrier")
    assert vars(done) == {**vars(planned), "dry_run": False}


def test_of_a_number_on_lines_far_apart_the_longest_prohibition_stays(connection, tmp_path, monkeypatch):
    """The file is written in parts: the second part once shortened what the first had made permanent."""
    monkeypatch.setattr(list_files, "CHUNK", 2)
    file = tmp_path / "list.csv"
    others = "".join(f"1391234000{n},,\n" for n in range(5))
    file.write_text(f"phone,expires,note\n13812340000,,\n{others}13812340000,2027-01-01,\n")
    done = list_files.import_file(connection, file, source="carrier")
    assert (done.lines, done.new, done.changed, done.unchanged, done.repeated) == (7, 6, 0, 1, 1)
    (entry,) = store.blocked(connection, days.now(), phone="13812340000")
    assert entry.expires_at is None


def test_entries_are_found_by_what_became_of_them(connection):
    now = dt.datetime(2026, 11, 20, 9, tzinfo=days.SHANGHAI)
    with days.frozen(now - dt.timedelta(days=9)):
        do_not_call.add(connection, "13812340001", source="a")
        do_not_call.add(connection, "13812340002", source="a", expires=dt.date(2026, 11, 15))
        do_not_call.add(connection, "13812340003", source="b")
        do_not_call.remove(connection, "13812340003", by="Ann", reason="asked")
    found = {
        state: [one.phone[-1] for one in store.blocked(connection, now, state=state)]
        for state in ("active", "expired", "removed")
    }
    assert found == {"active": ["1"], "expired": ["2"], "removed": ["3"]}
    assert [one.state(now) for one in store.blocked(connection, now, with_expired=True)] == ["active", "expired", "removed"]
    assert store.count_up_to(connection, now, 2, source=None, state=None) == 2
    assert store.count_up_to(connection, now, 9, source="a", state="active") == 1


def test_a_file_without_a_column_of_numbers_is_refused_and_says_what_it_has(connection, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("name,city\nA,Beijing\n")
    with pytest.raises(InvalidInput, match="name, city"):
        list_files.import_file(connection, file, source="carrier")


def test_an_entry_ends_with_its_last_day_in_shanghai(connection):
    do_not_call.add(connection, "13812340000", source="customer", expires=dt.date(2026, 12, 31))
    now = dt.datetime(2026, 12, 31, 23, 59, tzinfo=days.SHANGHAI)
    [entry] = store.blocked(connection, now)
    assert entry.expires_at == dt.datetime(2027, 1, 1, tzinfo=days.SHANGHAI)
    assert store.blocked(connection, now + dt.timedelta(minutes=1)) == []


def test_the_command_line_adds_lists_and_removes_and_never_shows_a_number(run):
    added = run("policy", "dnc", "add", "138 1234 0000", "--source", "complaint", "--json")
    assert added.exit_code == 0, added.output
    assert json.loads(added.stdout)["changed"] is True
    listed = run("policy", "dnc", "list", "--json")
    assert json.loads(listed.stdout)["entries"][0]["phone"] == "138****0000"
    checked = run("policy", "check", "13812340000", "--json")
    assert json.loads(checked.stdout)["verdict"]["rule"] == "do_not_call"
    for answer in (added, listed, checked, run("policy", "dnc", "list")):
        assert "13812340000" not in answer.output
        assert answer.exit_code == 0
    assert run("policy", "dnc", "remove", "+8613812340000", "--reason", "a mistake").exit_code == 0
    history = run("policy", "dnc", "history", "13812340000", "--json")
    assert [entry["ended_why"] for entry in json.loads(history.stdout)["entries"]] == ["a mistake", ""]
    assert "13812340000" not in history.output
    missing = run("policy", "dnc", "remove", "13812340000")
    assert (missing.exit_code, "138****0000 is not on" in missing.output) == (1, True)


def test_what_is_taken_off_the_list_stays_with_its_end_and_may_be_contacted(connection):
    do_not_call.add(connection, "13812340000", source="customer", note="asked in May", by="Ann")
    assert do_not_call.remove(connection, "13812340000", by="Bob", reason="asked 13812340000 again") == 1
    assert do_not_call.remove(connection, "13812340000", by="Bob") == 0
    now = days.now()
    assert store.blocked(connection, now) == []
    (ended,) = store.blocked(connection, now, with_expired=True)
    assert (ended.added_by, ended.ended_by, ended.ended_why) == ("Ann", "Bob", "asked 138****0000 again")
    wish = Attempt("13812340000", "policy", "check", now)
    assert gate.check(connection, wish, policy_from({"preset": "carrier", "hours": "00:00-24:00"})).allowed
    (before,) = store.history(connection, "13812340000")
    assert (before.expires_at, before.ended_by) == (None, "")


def test_who_is_put_on_the_list_again_leaves_the_time_before_in_the_history(connection):
    for note in ("first", "second"):
        assert do_not_call.add(connection, "13812340000", source="customer", note=note, by="Ann")
        assert do_not_call.remove(connection, "13812340000", by="Bob")
    assert do_not_call.add(connection, "13812340000", source="customer", note="third", by="Ann")
    (entry,) = store.blocked(connection, days.now())
    assert (entry.note, entry.expires_at, entry.ended_by) == ("third", None, "")
    kept = [(each.note, each.ended_by) for each in store.history(connection, "13812340000")]
    assert kept == [("second", "Bob"), ("second", ""), ("first", "Bob"), ("first", "")]


@pytest.mark.parametrize("statement", ["DELETE FROM do_not_call", "UPDATE do_not_call SET note = 'x'"])
def test_no_statement_takes_an_entry_away_without_leaving_it_in_the_history(connection, statement):
    do_not_call.add(connection, "13812340000", source="customer", note="kept")
    connection.execute(sa.text(statement))
    assert [entry.note for entry in store.history(connection, "13812340000")] == ["kept"]


@pytest.mark.parametrize(
    "statement", ["TRUNCATE do_not_call", "DELETE FROM do_not_call_history", "UPDATE do_not_call_history SET note = 'x'"]
)
def test_the_list_is_never_emptied_and_its_history_never_changed(connection, statement):
    with pytest.raises(sa.exc.DatabaseError, match="only ever added"):
        connection.execute(sa.text(statement))


def test_every_change_of_the_list_is_in_the_audit_log_without_the_number(connection, tmp_path):
    file = tmp_path / "numbers.txt"
    file.write_text("13812340000\n13912340000\n")
    list_files.import_file(connection, file, source="carrier", by="Ann")
    list_files.import_file(connection, file, source="carrier", by="Ann")
    do_not_call.add(connection, "13812340000", source="carrier", expires=dt.date(2027, 1, 1), note="until spring", by="Bob")
    do_not_call.remove(connection, "13812340000", by="Cid", reason="a mistake")
    holidays.declare(connection, dt.date(2026, 10, 1), "国庆节", by="Ann")
    holidays.withdraw(connection, dt.date(2026, 10, 1), by="Ann")
    found = list(reversed(audit.entries(connection, limit=100)[0]))
    assert [(row.person, row.act, row.subject, row.reason) for row in found] == [
        ("Ann", "do_not_call.import", "do_not_call_source:carrier", ""),
        ("Bob", "do_not_call.add", "do_not_call:138****0000", "until spring"),
        ("Cid", "do_not_call.remove", "do_not_call:138****0000", "a mistake"),
        ("Ann", "holiday.add", "holiday:2026-10-01", ""),
        ("Ann", "holiday.remove", "holiday:2026-10-01", ""),
    ]
    assert found[0].after == {"source": "carrier", "file": "numbers.txt", "new": 2, "changed": 0}
    assert found[1].before == {"source": "carrier", "expires_at": None}
    assert found[1].after == {"source": "carrier", "expires_at": "2027-01-02T00:00:00+08:00"}
    assert "13812340000" not in str(found)


def test_holidays_are_kept_by_the_command_line(run):
    assert run("policy", "holidays", "add", "2026-10-01", "--name", "国庆节").exit_code == 0
    assert "国庆节" in run("policy", "holidays", "list").output
    assert run("policy", "holidays", "remove", "2026-10-01").exit_code == 0
    assert run("policy", "holidays", "remove", "2026-10-01").exit_code == 1


def test_a_wrong_date_is_named(run):
    answer = run("policy", "dnc", "add", "13812340000", "--expires", "tomorrow")
    assert answer.exit_code == 1
    assert "--expires" in answer.output
