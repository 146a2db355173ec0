"""What people do by command and over HTTP: imports, the secret path, the bill, an account tried before it is kept."""

import json
import logging
import socket

import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline import days
from calling_pipeline.access.audit.records import Entry
from calling_pipeline.api.app import create_app
from calling_pipeline.cli.main import main
from calling_pipeline.errors import InvalidInput
from calling_pipeline.pasted_tables import read_table
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.tenants.secret_changes import last_changes, secret_changes
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, wait_until
from calling_pipeline_tests.telephony.support import SECRET_KEY, TOKENS, callback_body, set_up

V1 = "/api/v1/infinity"
TRY = f"{V1}/configs/test-connection"
COUNTS = "SELECT (SELECT count(*) FROM collectors), (SELECT count(*) FROM extension_pool), max(id) FROM audit_log"
PEOPLE = "collector_id,name,callback_number\n201,Zhang,13900000001\n201,Again,13900000002\n1,There,13900000003\nx,Bad,1\n"


def acts(office, act):
    query = "SELECT subject, reason, before, after FROM audit_log WHERE act = %(act)s ORDER BY id"
    return office.rows(query, act=act)


def test_collectors_are_imported_with_a_result_for_each_row(command, office, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    status, answer = command("collectors", "import", str(file), "--tenant", "1")
    assert status == 1
    assert answer["imported"] == 1
    results = [row["result"] for row in answer["rows"]]
    assert results == ["imported", "duplicate_in_file", "already_there", "invalid"]
    assert office.rows("SELECT name, callback_number_masked FROM collectors WHERE id = 201") == [("Zhang", "+86****0001")]
    assert "139000" not in json.dumps(answer)
    file.write_text("id\n7\n", encoding="utf-8")
    status, answer = command("collectors", "import", str(file), "--tenant", "1")
    assert (status, "collector_id and callback_number" in answer["error"]) == (1, True)


def test_a_dry_run_gives_the_same_results_and_changes_nothing(command, office, tmp_path):
    people, lines = tmp_path / "people.csv", tmp_path / "lines.csv"
    people.write_text(PEOPLE, encoding="utf-8")
    lines.write_text("number,label\n1000,old\n7001,new\n7001,again\nbad number,x\n", encoding="utf-8")
    before = office.rows(COUNTS)
    _, tried_people = command("collectors", "import", str(people), "--tenant", "1", "--dry-run")
    _, tried_lines = command("import", str(lines), "--tenant", "1", "--dry-run")
    assert office.rows(COUNTS) == before
    _, done_people = command("collectors", "import", str(people), "--tenant", "1")
    _, done_lines = command("import", str(lines), "--tenant", "1")
    assert tried_people["rows"] == done_people["rows"]
    assert tried_lines["rows"] == done_lines["rows"]
    assert done_lines["counts"] == {"imported": 1, "duplicate_in_file": 1, "already_there": 1, "invalid": 1}


def test_a_dry_run_over_http_imports_nothing(api, office):
    body = {"config_id": office.config_id, "rows": ["7001", "1000"], "dry_run": True}
    answer = api.post(f"{V1}/extensions/import", json=body).json()["data"]
    assert answer["counts"]["imported"] == 1
    assert office.rows("SELECT count(*) FROM extension_pool") == [(10,)]


def test_cells_copied_from_a_sheet_are_read_and_a_text_that_is_no_table_is_refused():
    assert read_table("\ufeff分机\t备注\n1001\tA, first\n\n") == [["分机", "备注"], ["1001", "A, first"]]
    assert read_table("a;b\n1;2") == [["a", "b"], ["1", "2"]]
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_table('number\n"' + "x" * 200_000)


def test_chinese_heads_are_understood(command, office, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("工号\t姓名\t回拨号码\n301\t王芳\t13900000009\n", encoding="utf-8")
    assert command("collectors", "import", str(file), "--tenant", "1")[1]["imported"] == 1
    assert office.rows("SELECT name FROM collectors WHERE id = 301") == [("王芳",)]


def test_a_secret_path_is_made_used_and_closed_by_command(command, office, api, infinity):
    status, made = command("callback-path", "--config", str(office.config_id), "--allow", "127.0.0.1")
    assert status == 0
    assert made["addresses"] == ["127.0.0.1/32"]
    body = callback_body("nobody-knows-it")
    assert api.post(made["path"], content=body, headers={"Authorization": ""}).status_code == 200
    assert office.rows("SELECT callback_path_digest IS NULL FROM infinity_configs") == [(False,)]
    assert made["path"].rpartition("/")[2] not in str(acts(office, "config.open_callback_path"))
    assert command("callback-path", "--config", str(office.config_id), "--close")[1]["path"] is None
    assert api.post(made["path"], content=callback_body("another")).status_code == 404
    assert len(acts(office, "config.close_callback_path")) == 1


def test_a_secret_path_wants_addresses_or_an_end(office, command):
    assert CliRunner().invoke(main, ["telephony", "callback-path", "--config", "1"]).exit_code == 2
    assert command("callback-path", "--config", "1", "--allow", "0.0.0.0/0")[0] == 1


def test_a_day_is_compared_with_the_bill_by_command_and_over_http(command, office, api, infinity):
    infinity.behave(ring_s=[0.0, 0.0], talk_s=[0.0, 0.0], callback_loss=1.0)
    call = office.call()
    assert call.kind == "ringing"
    wait_until(lambda: all(one["ended"] for one in infinity.get("/infinity/_sim/calls")))
    day = days.today().isoformat()
    status, (found,) = command("reconcile", "--day", day, "--tenant", "1")
    assert status == 0
    assert (found["billed"], found["recorded"], found["billed_unknown_to_us"]) == (1, 1, 0)
    (again,) = api.post(f"{V1}/reconcile", json={"day": day}).json()["data"]
    assert (again["billed"], again["matched"]) == (1, 1)
    assert api.post(f"{V1}/reconcile", json={"day": "2999-01-01"}).status_code == 422
    noted = acts(office, "bill.reconcile")
    assert [subject for subject, *_ in noted] == [f"day:{day}", f"day:{day}"]


def test_a_tenant_compares_its_own_day_alone(office, api, infinity, runtime):
    set_up(runtime, infinity.url + "/infinity/api", tenant_id=2, lines=1)
    day = days.today().isoformat()
    own = {"Authorization": "Bearer operator-of-1"}
    assert [one["tenant_id"] for one in api.post(f"{V1}/reconcile", json={"day": day}, headers=own).json()["data"]] == [1]
    other = api.post(f"{V1}/reconcile", params={"tenant_id": 2}, json={"day": day}, headers=own)
    assert other.status_code == 403


def test_an_account_is_tried_and_only_who_tried_it_is_kept(api, office, infinity, caplog):
    caplog.set_level(logging.DEBUG)
    given = {"api_url": infinity.url + "/infinity/api", "app_id": "app", "access_key": "a-good-access-key"}
    before = office.rows("SELECT count(*), max(updated_at) FROM infinity_configs")
    good = api.post(TRY, json=given).json()["data"]
    assert (good["reachable"], good["reason"]) == (True, "")
    bad = api.post(TRY, json={**given, "access_key": "wrong"}).json()["data"]
    assert bad["reachable"] is False
    assert "Infinity refused" in bad["reason"]
    assert office.rows("SELECT count(*), max(updated_at) FROM infinity_configs") == before
    noted = office.rows("SELECT subject, after::text FROM audit_log WHERE act = 'config.test' ORDER BY id")
    assert [subject for subject, _ in noted] == ["config:new", "config:new"]
    assert given["api_url"] in noted[0][1]
    assert "access-key" not in str(noted) + caplog.text
    stored = api.post(f"{V1}/configs/{office.config_id}/test-connection").json()["data"]
    assert stored["reachable"] is True
    assert acts(office, "config.test")[2][0] == f"config:{office.config_id}"


def test_a_stored_key_is_tried_with_its_own_address_alone(api, office, infinity, free_port_url):
    own = {"config_id": office.config_id}
    assert api.post(TRY, json=own).json()["data"]["reachable"] is True
    assert api.post(TRY, json={**own, "access_key": "wrong"}).json()["data"]["reachable"] is False
    moved = api.post(TRY, json={**own, "api_url": free_port_url})
    assert (moved.status_code, moved.json()["field"]) == (422, "access_key")
    anew = api.post(TRY, json={**own, "api_url": free_port_url, "access_key": "k"}).json()["data"]
    assert anew["reachable"] is False
    assert "cannot be reached" in anew["reason"]


def test_a_command_tries_an_account_with_the_key_of_a_file(office, command, infinity, tmp_path):
    key = tmp_path / "key"
    key.write_text("a-good-access-key\n", encoding="utf-8")
    address = infinity.url + "/infinity/api"
    whole = ("test-connection", "--api-url", address, "--app-id", "app", "--key-file", str(key))
    assert command(*whole)[1]["reachable"] is True
    key.write_text("wrong", encoding="utf-8")
    assert command(*whole)[0] == 1
    assert command("test-connection", "--config", str(office.config_id), "--key-file", str(key))[1]["reachable"] is False
    assert command("test-connection", "--config", str(office.config_id))[1]["reachable"] is True
    assert "access_key is needed" in command("test-connection", "--api-url", address, "--app-id", "a")[1]["error"]


def test_an_address_in_a_private_network_is_not_tried(database_url, tmp_path):
    dsn = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    strict = Runtime(load(home=tmp_path, database_url=dsn, secret_key=SECRET_KEY, api_tokens=TOKENS))
    with socket.create_server(("127.0.0.1", 0)) as listener, served(create_app(strict)) as url:
        port = listener.getsockname()[1]
        with httpx.Client(base_url=url, headers={"Authorization": "Bearer admin-token"}, timeout=LIMIT_S) as client:
            for address in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", f"https://localhost:{port}/"):
                answer = client.post(TRY, json={"api_url": address, "app_id": "a", "access_key": "k"})
                assert (answer.status_code, answer.json()["field"]) == (422, "api_url"), address
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody knocked
            listener.accept()
    strict.close()


def test_what_is_missing_is_named_and_another_tenant_s_account_does_not_exist(api, office):
    assert api.post(TRY, json={"api_url": "https://8.8.8.8/x", "app_id": "a"}).json()["field"] == "access_key"
    other = api.post(TRY, json={"config_id": office.config_id}, headers={"Authorization": "Bearer admin-of-2"})
    assert other.status_code == 404


def test_a_release_says_why(office, command):
    office.call(1)
    _, answer = command("release", "--tenant", "1", "--collector", "1", "--why", "line hangs, call 13800000001")
    assert len(answer["released"]) == 1
    ((subject, reason, _, _),) = acts(office, "extension.release")
    assert subject == f"extension:{answer['released'][0]}"
    assert reason.startswith("line hangs")
    assert "13800000001" not in reason


def test_when_each_secret_was_changed_is_known_from_the_audit_log(office, runtime):
    with runtime.transaction() as connection:
        made = secret_changes(connection, office.config_id)
    assert set(made) == {"access_key", "callback_secret"}
    office.change(ring_timeout_s=30)
    office.change(access_key="a-fresh-access-key")
    with runtime.transaction() as connection:
        after = secret_changes(connection, office.config_id)
    assert after["access_key"] > made["access_key"]
    assert after["callback_secret"] == made["callback_secret"]


def test_an_act_from_before_secrets_were_noted_is_read_by_their_last_letters():
    now = days.now()
    old = Entry(
        1, now, "li", "api", "config.change", "config:1", 1, "", {"access_key": "****aaaa"}, {"access_key": "****bbbb"}
    )
    assert last_changes([old]) == {"access_key": now}
