"""The do-not-call list, by function and by command line."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.cli.main import main
from calling_pipeline.contact_policy import do_not_call, store
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
    done = do_not_call.import_file(connection, file, source="carrier")
    assert (done.lines, done.new, done.changed, done.unchanged, done.rejected) == (5, 2, 0, 1, 2)
    assert [(item.line, item.phone) for item in done.examples] == [(4, "138****0000"), (5, "139****0000")]
    assert {entry.phone for entry in store.blocked(connection, days.now())} == {"13812340000", "+861012345678"}
    mobile = store.blocked(connection, days.now(), phone="13812340000")
    assert mobile[0].expires_at is None, "of two expiries the longest prohibition stays"


def test_importing_the_same_file_again_changes_nothing(connection, tmp_path):
    file = tmp_path / "numbers.txt"
    file.write_text("13812340000\n13912340000\n")
    assert do_not_call.import_file(connection, file, source="carrier").new == 2
    again = do_not_call.import_file(connection, file, source="carrier")
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)


def test_a_file_without_a_column_of_numbers_is_refused_and_says_what_it_has(connection, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("name,city\nA,Beijing\n")
    with pytest.raises(InvalidInput, match="name, city"):
        do_not_call.import_file(connection, file, source="carrier")


def test_an_entry_ends_with_its_last_day_in_shanghai(connection):
    do_not_call.add(connection, "13812340000", source="customer", expires=dt.date(2026, 12, 31))
    entry = store.blocked(connection, days.now())[0]
    assert entry.expires_at == dt.datetime(2027, 1, 1, tzinfo=days.SHANGHAI)


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
    assert run("policy", "dnc", "remove", "+8613812340000").exit_code == 0
    missing = run("policy", "dnc", "remove", "13812340000")
    assert (missing.exit_code, "138****0000 is not on" in missing.output) == (1, True)


def test_holidays_are_kept_by_the_command_line(run):
    assert run("policy", "holidays", "add", "2026-10-01", "--name", "国庆节").exit_code == 0
    assert "国庆节" in run("policy", "holidays", "list").output
    assert run("policy", "holidays", "remove", "2026-10-01").exit_code == 0
    assert run("policy", "holidays", "remove", "2026-10-01").exit_code == 1


def test_a_wrong_date_is_named(run):
    answer = run("policy", "dnc", "add", "13812340000", "--expires", "tomorrow")
    assert answer.exit_code == 1
    assert "--expires" in answer.output
