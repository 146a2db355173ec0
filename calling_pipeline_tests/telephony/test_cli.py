"""`calling-pipeline telephony …`."""

import json

import pytest
from click.testing import CliRunner

from calling_pipeline.cli.main import main
from calling_pipeline_tests.telephony.support import SECRET_KEY


@pytest.fixture
def cli(office, monkeypatch):
    dsn = office.runtime.database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("CALLING_DATABASE_URL", dsn)
    monkeypatch.setenv("CALLING_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("CALLING_ALLOW_PRIVATE_URLS", "1")

    def run(*arguments, status=0):
        result = CliRunner().invoke(main, ["telephony", *arguments, "--json"])
        assert result.exit_code == status, result.output + result.stderr
        return json.loads(result.stdout) if status < 2 else result.stderr

    return run


def test_extensions_are_imported_from_a_csv_with_a_result_for_every_row(cli, tmp_path):
    file = tmp_path / "extensions.csv"
    file.write_text("\ufeffnumber,label\n1000,old\n5001,new\n5001,again\n", encoding="utf-8")
    answer = cli("import", str(file), "--tenant", "1")
    assert answer["counts"] == {"imported": 1, "duplicate_in_file": 1, "already_there": 1, "invalid": 0}
    assert [row["result"] for row in answer["rows"]] == ["already_there", "imported", "duplicate_in_file"]
    file.write_text("not a number!\n5002\n")
    assert cli("import", str(file), "--config", "1", status=1)["counts"]["invalid"] == 1
    file.write_bytes("编号\n".encode("gb18030"))
    assert "UTF-8" in cli("import", str(file), "--tenant", "1", status=1)["error"]


def test_the_pool_is_shown(cli, office):
    office.call(1)
    (pool,) = cli("stats", "--tenant", "1")
    assert (pool["total"], pool["in_use"], pool["utilisation_pct"]) == (10, 1, 10.0)


def test_extensions_are_released_by_id_by_collector_and_when_stale(cli, office):
    call = office.call(1)
    ((held,),) = office.rows("SELECT id FROM extension_pool WHERE state = 'in_use'")
    assert cli("release", "--extension", str(held)) == {"released": [held]}
    assert cli("release", "--extension", str(held)) == {"released": []}
    assert office.state(call.call_id) == "unknown"
    office.call(2, "13800000002")
    assert len(cli("release", "--tenant", "1", "--collector", "2")["released"]) == 1
    assert cli("release", "--stale")["asked"] == 0
    assert "one of --extension" in cli("release", status=2)


def test_a_connection_is_tested(cli, office):
    answer = cli("test-connection", "--tenant", "1")
    assert answer["reachable"] is True
    office.change(access_key="wrong")
    assert cli("test-connection", "--config", "1", status=1)["reachable"] is False
    assert "tenant 9" in cli("test-connection", "--tenant", "9", status=1)["error"]
