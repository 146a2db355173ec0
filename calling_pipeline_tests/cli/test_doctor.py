"""The doctor: each fault made real is found, named, and answered with what to do; nothing hangs, nothing is started."""

import asyncio
import dataclasses
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from calling_pipeline.cli.doctor import configuration, machine, outside, stored
from calling_pipeline.cli.doctor.findings import Finding, Probe, examine
from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.processes import MARK, Identity, identify
from calling_pipeline.database.credentials import CredentialStore, Fetched
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.settings import load
from calling_pipeline_tests.support import LIMIT_S, free_name, silent_port, start_process, wait_until


def plain(url):
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def found(findings, level):
    return [(one.area, one.what) for one in findings if one.level == level]


def doctor(cwd, *, limit="", **settings):
    command = f"{limit} exec {sys.executable} -m calling_pipeline.cli.main doctor --json"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=cwd,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    return done.returncode, {
        (one["area"], one["level"], one["what"], one["do"]) for one in json.loads(done.stdout)["findings"]
    }


def test_without_a_database_it_says_so_starts_none_and_finds_what_is_wrong(tmp_path):
    (tmp_path / ".env").write_text("CALLING_UI_PROT=3001\nOTHER=1\n")
    status, findings = doctor(tmp_path, limit="ulimit -n 256;", CALLING_GUANKE_TIMEOUT_S="soon", CALLING_NONSENSE="1")
    assert status == 1
    where = str(tmp_path / ".env")
    assert {
        (
            "settings",
            "wrong",
            f"CALLING_UI_PROT in {where} is no setting, and has no effect",
            "did you mean CALLING_UI_PORT?",
        ),
        ("limits", "wrong", "a process may open 256 files only", "ulimit -n 4096, or raise it for the service"),
    } <= findings
    said = " ".join(what for _, level, what, _ in findings if level == "wrong")
    assert "CALLING_GUANKE_TIMEOUT_S: Input should be a valid number" in said
    assert "CALLING_NONSENSE in the environment is no setting" in said
    assert not (tmp_path / ".calling").exists()

    (tmp_path / ".env").unlink()
    _, findings = doctor(tmp_path)
    assert (
        "database",
        "warn",
        f"there is no database in {tmp_path}/.calling/postgres yet",
        "`calling-pipeline up` makes one",
    ) in findings
    assert not (tmp_path / ".calling").exists()


def test_a_probe_that_hangs_or_fails_is_a_finding_and_holds_up_nothing():
    def hang():
        time.sleep(600)
        return []

    def fail():
        raise ZeroDivisionError("13812345678 is no divisor")

    begun = time.monotonic()
    findings = examine(
        [
            Probe("slow", hang, limit_s=0.2),
            Probe("broken", fail),
            Probe("good", lambda: [Finding("good", "ok", "all is well")], limit_s=LIMIT_S),
        ]
    )
    assert time.monotonic() - begun < LIMIT_S
    assert found(findings, "wrong") == [
        ("slow", "it did not answer within 0 s"),
        ("broken", "it could not be looked at (ZeroDivisionError: 138****5678 is no divisor)"),
    ]
    assert found(findings, "ok") == [("good", "all is well")]


def test_a_taken_port_is_named_with_its_holder(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        [wrong] = [
            one for one in machine.ports(load(home=tmp_path, ui_port=port)) if "held" in one.what and str(port) in one.what
        ]
    assert f"process {os.getpid()} (" in wrong.what
    assert wrong.do == "end it, or choose another with CALLING_UI_PORT"


def test_a_port_that_a_service_of_this_installation_holds_is_well_and_one_of_another_is_not(tmp_path):
    listens = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    for home, level in ((tmp_path, "ok"), (tmp_path / "another", "wrong")):
        service = start_process(
            [sys.executable, "-c", listens, "api"],
            env={**os.environ, "CALLING_HOME": str(home)},
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )
        port = int(service.stdout.readline())
        [found] = [one for one in machine.ports(load(home=tmp_path, api_port=port)) if f":{port} " in one.what]
        assert (found.level, f"process {service.pid} (" in found.what) == (level, True)


def test_a_port_is_well_that_a_child_of_up_holds_and_not_one_that_has_its_number_alone(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, ours = taken.getsockname()[1], identify(os.getpid())
        assert ours is not None
        for child, level in ((ours, "ok"), (dataclasses.replace(ours, started="long ago"), "wrong")):
            records.save(tmp_path, records.Record("of a test", Identity(1, "long ago", "up"), {"api": child}))
            [found] = [one for one in machine.ports(load(home=tmp_path, api_port=port)) if f":{port} " in one.what]
            assert (found.level, "is served by `up` (api)" in found.what) == (level, level == "ok")


def test_files_that_others_can_read_a_full_disk_and_a_missing_home_are_found(tmp_path, monkeypatch):
    settings = load(home=tmp_path / "home")
    [absent] = machine.home(settings)
    assert (absent.level, "there is no" in absent.what) == ("warn", True)
    settings.home.mkdir()
    (settings.home / "secret.key").write_text("x")
    (settings.home / "secret.key").chmod(0o600)
    assert [one.level for one in machine.home(settings)] == ["ok"]
    (settings.home / "secret.key").chmod(0o644)
    [wrong] = machine.home(settings)
    assert (wrong.level, "other users can read secret.key" in wrong.what) == ("wrong", True)
    assert [one.level for one in machine.disk(settings.home)] != ["wrong"]
    monkeypatch.setattr(machine, "LEAST_FREE_GB", 1e9)
    assert [one.level for one in machine.disk(settings.home)] == ["wrong"]


def test_ledgers_that_cannot_be_used_are_found(tmp_path):
    good, sealed, absent = tmp_path / "good.csv", tmp_path / "sealed.csv", tmp_path / "absent.csv"
    good.touch()
    sealed.touch(mode=0o444)
    findings = list(machine.ledgers(load(contract_ledgers=[good, sealed, absent])))
    assert [one.level for one in findings] == ["ok", "wrong", "wrong"]
    assert [f"{sealed} cannot be written" in findings[1].what, f"no file {absent}" in findings[2].what] == [True, True]


def test_what_a_killed_up_left_is_found(tmp_path):
    settings = load(home=tmp_path)
    assert [one.level for one in machine.leftovers(settings)] == ["ok"]
    mark = free_name()
    left = start_process([sys.executable, "-c", "input()"], env={**os.environ, MARK: mark}, stdin=subprocess.PIPE)
    records.save(tmp_path, records.Record(mark, Identity(1, "long ago", "up")))
    wait_until(lambda: [one.what for one in machine.leftovers(settings)] == ["an `up` that was killed left 1 processes"])
    left.kill()
    left.communicate()
    wait_until(lambda: [one.level for one in machine.leftovers(settings)] == ["warn"])


class _Late(BaseHTTPRequestHandler):
    """Answers with a clock of its own."""

    def do_GET(self):
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def date_time_string(self, timestamp=None):
        return "Mon, 01 Jan 2024 00:00:00 GMT"

    def log_message(self, *_):
        pass


def test_vendors_that_cannot_be_reached_or_answer_wrongly_are_found(monkeypatch):
    monkeypatch.setattr(outside, "ANSWER_S", 0.5)
    [unknown] = outside.look("guanke", "https://nowhere.invalid", "CALLING_GUANKE_BASE_URL")
    assert (unknown.what, unknown.level) == ("the name nowhere.invalid cannot be resolved", "wrong")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        [hung] = outside.look("gateway", f"http://127.0.0.1:{port}", "CALLING_GATEWAY_URL")
        assert "gave no answer within" in hung.what
    with silent_port() as port:
        [closed] = outside.look("gateway", f"http://127.0.0.1:{port}", "CALLING_GATEWAY_URL")
    assert "takes no connection" in closed.what
    monkeypatch.setattr(outside, "ANSWER_S", LIMIT_S)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Late) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            answered, clock = outside.look("wecom", url, "CALLING_WECOM_BASE_URL")
            [no_tls] = outside.look("wecom", url.replace("http", "https"), "CALLING_WECOM_BASE_URL")
        finally:
            server.shutdown()
    assert (answered.level, "with status 503" in answered.what) == ("warn", True)
    assert (clock.level, "ahead of wecom's clock" in clock.what) == ("wrong", True)
    assert (no_tls.level, "TLS with 127.0.0.1 fails" in no_tls.what) == ("wrong", True)


def test_addresses_of_tenants_within_private_networks_are_found():
    findings = outside.tenants([(1, "https://10.0.0.1"), (2, "https://8.8.8.8")], load())
    assert found(findings, "wrong") == [("infinity", "the address of tenant 1 leads into a private network")]


def test_the_address_of_the_simulated_tenant_is_well_beside_up_with_the_simulator_alone():
    simulated = f"{load().simulator_url}/infinity/api"
    assert found(outside.tenants([(1, simulated)], load()), "wrong") == []
    address = "https://vendor.example.com"
    real = load(guanke_base_url=address, gateway_url=address, wecom_base_url=address, metabase_url=address)
    assert len(found(outside.tenants([(1, simulated)], real), "wrong")) == 1
    assert found(outside.tenants([(2, "https://8.8.8.8")], load()), "ok")


def test_an_older_schema_and_a_silent_daemon_are_found(empty_database_url, app_settings, dagster_database_url):
    older = app_settings.model_copy(update={"database_url": load(database_url=plain(empty_database_url)).database_url})
    assert ("database", "wrong") in [
        (one.area, one.level) for one in stored.look(older) if "the schema is at no revision" in one.what
    ]
    given = load(dagster_database_url=plain(dagster_database_url)).dagster_database_url
    findings = list(stored.look(app_settings.model_copy(update={"dagster_database_url": given})))
    assert any("Dagster's daemon does not work" in what for _, what in found(findings, "wrong"))
    assert ("database", "sessions are in Asia/Shanghai") in found(findings, "ok")
    assert ("clock", "this machine's clock agrees with the database's clock") in found(findings, "ok")


def test_secrets_sealed_with_another_key_are_found(app_settings, engine):
    async def fetch():
        return Fetched("a token", dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))

    box = SecretBox(b"another key that is long enough")
    asyncio.run(CredentialStore(engine, box).token("guanke", fetch))
    findings = list(stored.look(app_settings))
    assert found(findings, "wrong")[0] == ("key", "stored secrets of guanke were sealed with another key")


def test_an_unreachable_database_is_found_without_its_password():
    findings = list(stored.look(load(database_url="postgresql://u:hidden-word@127.0.0.1:9/x")))
    [(area, what)] = found(findings, "wrong")
    assert (area, "127.0.0.1:9" in what, "hidden-word" in what) == ("database", True, False)


def test_known_names_are_no_findings(monkeypatch):
    monkeypatch.setenv("CALLING_UI_PORT", "3001")
    monkeypatch.setenv("CALLING_TEST_PROFILE", "nightly")
    assert list(configuration.unknown()) == []
