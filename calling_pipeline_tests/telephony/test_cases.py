"""Cases of collectors by the command line, and their retention."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.cli.main import main
from calling_pipeline.telephony.desk.cases import cases, store
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline_tests.telephony.support import set_up


@pytest.fixture
def office(runtime, infinity, monkeypatch):
    monkeypatch.setenv("CALLING_DATABASE_URL", runtime.database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("CALLING_HOME", str(runtime.settings.home))
    return set_up(runtime, f"{infinity.url}/infinity/api", lines=1, agents_=2)


def command(*words):
    return CliRunner().invoke(main, ["telephony", "cases", *words])


def test_cases_are_imported_listed_and_concluded_by_command(office, tmp_path):
    file = tmp_path / "cases.csv"
    file.write_bytes("催员,客户,电话\n1,王女士,13800000001\n1,Li,138\n".encode("gb18030"))
    imported = command("import", str(file), "--tenant", "1")
    assert imported.exit_code == 1
    assert "1 imported, 1 invalid" in imported.output
    assert "row 2:" in imported.output
    [case] = json.loads(command("list", "--tenant", "1", "--state", "open", "--json").stdout)
    assert (case["customer_name"], case["phone_masked"]) == ("王女士", "138****0001")
    assert "13800000001" not in imported.output
    assert f"case {case['id']} is done" in command("result", str(case["id"]), "--result", "paid").output
    assert "there is no such case" in command("list", "--state", "open").output
    assert command("result", "999", "--result", "paid").exit_code != 0
    acts = office.rows("SELECT act, door FROM audit_log WHERE act LIKE 'case.%%' ORDER BY id")
    assert acts == [("case.import", "command line"), ("case.conclude", "command line")]


def test_a_case_that_was_done_long_ago_goes_with_its_presses_and_an_open_one_stays(office):
    with office.runtime.transaction() as connection:
        made = [
            cases.add(
                connection, office.runtime.secrets, office.runtime.phone_keys, 1, NewCase(1, f"1380000000{n}"), who="test"
            )
            for n in range(3)
        ]
        for one in made[:2]:
            cases.conclude(connection, one, result="paid", remark="", done=None, next_call_at=None, who="test")
    office.rows(
        "UPDATE collector_cases SET done_at = now() - interval '400 days' WHERE id = %(id)s RETURNING id", id=made[0].id
    )
    office.rows(
        "INSERT INTO desk_calls (tenant_id, collector_id, case_id, intended_at, outcome, answered_at)"
        " VALUES (1, 1, %(id)s, now(), 'refused', now()) RETURNING id",
        id=made[0].id,
    )
    office.rows(
        "INSERT INTO collector_desks (tenant_id, collector_id, case_id) VALUES (1, 1, %(id)s) RETURNING 1", id=made[0].id
    )
    before = days.now() - dt.timedelta(days=365)
    with office.runtime.transaction() as connection:
        assert [store.delete_done(connection, before, 10) for _ in range(2)] == [1, 0]
    assert office.rows("SELECT id FROM collector_cases ORDER BY id") == [(one.id,) for one in made[1:]]
    assert office.rows("SELECT count(*) FROM desk_calls") == [(0,)]
    assert office.rows("SELECT case_id FROM collector_desks") == [(None,)]
