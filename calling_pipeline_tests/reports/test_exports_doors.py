"""Large exports by the command line and by Dagster: the same ledger, the same file, the same refusals."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from calling_pipeline import days
from calling_pipeline.cli.main import main
from calling_pipeline.definitions import build
from calling_pipeline.reports.exports import asking, store
from calling_pipeline.reports.exports.dependencies import folder_of
from calling_pipeline.reports.exports.records import Export
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings
from calling_pipeline_tests.reports.test_exports import NOW, put_records

DAYS = ("--from", "2026-11-20", "--to", "2026-11-21")


@pytest.fixture(autouse=True)
def records(runtime: Runtime) -> None:
    days.set_clock(days.clock_starting_at(NOW))
    with runtime.transaction() as connection:
        put_records(connection, 60)


@pytest.fixture(autouse=True)
def environment(app_settings: Settings, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLING_DATABASE_URL", runtime.database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("CALLING_HOME", str(app_settings.home))


def command(*words: str) -> Result:
    return CliRunner().invoke(main, ["exports", *words])


def waiting(runtime: Runtime, format: str = "csv.gz") -> Export:
    wanted = asking.wanted_of("2026-11-20", "2026-11-21", format, "en", {}, oldest=NOW.date().replace(day=1))
    with runtime.transaction() as connection:
        return asking.ask(connection, wanted, by="Li")


def test_the_command_writes_an_export_lists_it_and_copies_its_file(runtime: Runtime, tmp_path: Path) -> None:
    out = tmp_path / "records.csv.gz"

    added = command("add", *DAYS, "--language", "en", "--where", "connected=yes", "--json")
    assert added.exit_code == 0, added.output
    export = json.loads(added.stdout)
    assert (export["state"], export["rows"], export["percent"], export["filters"]) == ("done", 20, 100, {"connected": "yes"})
    got = command("get", str(export["id"]), "--out", str(out))
    assert f"SHA-256 {export['digest']}" in got.output

    assert hashlib.sha256(out.read_bytes()).hexdigest() == export["digest"]
    assert gzip.decompress(out.read_bytes()).decode("utf-8-sig").count("connected") == 20
    assert [one["id"] for one in json.loads(command("list", "--json").stdout)] == [export["id"]]
    with runtime.transaction() as connection:
        acts = connection.execute(sa.text("SELECT act, door FROM audit_log ORDER BY id")).all()
    assert [tuple(act) for act in acts] == [("export.ask", "command line"), ("export.download", "command line")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "--from", "2026-11-21", "--to", "2026-11-20"), "2026-11-21 to 2026-11-20 is no range of days"),
        (("add", *DAYS, "--where", "province"), "--where is written NAME=VALUE"),
        (("get", "7"), "there is no export 7"),
    ],
)
def test_the_command_says_what_it_refuses(words: tuple[str, ...], sentence: str) -> None:
    refused = command(*words)

    assert refused.exit_code != 0
    assert sentence in refused.output
    assert "nobody asked" in command("list").output


def test_an_export_left_for_later_has_no_file_until_a_run_wrote_it(runtime: Runtime, tmp_path: Path) -> None:
    added = json.loads(command("add", *DAYS, "--later", "--json").stdout)
    refused = command("get", str(added["id"]), "--out", str(tmp_path / "half"))

    assert added["state"] == "asked"
    assert refused.exit_code != 0
    assert not (tmp_path / "half").exists()


def test_the_sensor_starts_a_run_for_what_waits_and_the_run_writes_it(runtime: Runtime) -> None:
    export = waiting(runtime, "xlsx")
    with dg.DagsterInstance.ephemeral() as instance:
        defs = build(runtime)
        sensor: Any = next(one for one in defs.sensors or () if one.name == "exports_waiting")
        [request] = sensor(dg.build_sensor_context(instance=instance, resources={"runtime": runtime})).run_requests
        assert request.run_key == f"export:{export.id}:0"

        result = _run(defs, instance, runtime, request.run_config)
        assert result.success
        after = sensor(dg.build_sensor_context(instance=instance, resources={"runtime": runtime}))
        again = _run(defs, instance, runtime, request.run_config)

    with runtime.transaction() as connection:
        done = store.by_id(connection, export.id)
    assert (done.state, done.rows) == ("done", 60)
    assert (folder_of(runtime) / str(done.file)).is_file()
    assert not after.run_requests
    assert not again.success


def test_a_run_with_days_asks_for_its_own_export(runtime: Runtime) -> None:
    config = {"first": "2026-11-20", "last": "2026-11-20", "filters": {"agent_id": "agent1"}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = _run(build(runtime), instance, runtime, {"ops": {"write_export": {"config": config}}})

    assert result.success
    with runtime.transaction() as connection:
        [done], _ = store.listed(connection, asked_by=None, limit=9)
        expected = connection.execute(
            sa.text("SELECT count(*) FROM call_records WHERE agent_id = 'agent1' AND date = '2026-11-20'")
        ).scalar_one()
    assert (done.state, done.rows) == ("done", expected)


def _run(defs: dg.Definitions, instance: dg.DagsterInstance, runtime: Runtime, config: Any) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("call_records_export")
    resources = {"runtime": runtime}
    return job.execute_in_process(run_config=config, instance=instance, resources=resources, raise_on_error=False)
