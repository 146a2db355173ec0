"""Fixtures of telephony: a runtime that may reach the simulator, a tenant with a pool, the API behind real HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline.api.app import create_app
from calling_pipeline.cli.main import main
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline.telephony.calls import lines
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, Simulator
from calling_pipeline_tests.telephony.support import SECRET_KEY, TOKENS, Office, set_up


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Infinity's word about a line is waited for as long as a test waits: on a busy machine it takes more than seconds."""
    monkeypatch.setattr(lines, "_QUESTION_LIMIT_S", LIMIT_S)


@pytest.fixture
def runtime(database_url, tmp_path) -> Iterator[Runtime]:
    """May reach private networks: the simulator listens on the loopback address."""
    made = Runtime(
        load(
            home=tmp_path / "home",
            database_url=database_url.set(drivername="postgresql").render_as_string(hide_password=False),
            secret_key=SECRET_KEY,
            allow_private_urls=True,
            infinity_timeout_s=LIMIT_S,
            api_tokens=TOKENS,
        )
    )
    yield made
    made.close()


@pytest.fixture
def infinity(simulator: Simulator) -> Iterator[Simulator]:
    """The simulator with no calls, no settings and no faults; calls last moments."""
    simulator.forget_calls()
    simulator.behave(ring_s=[0.0, 0.0], talk_s=[0.0, 0.0])
    yield simulator
    simulator.forget_calls()


@pytest.fixture
def office(runtime: Runtime, infinity: Simulator) -> Office:
    """Tenant 1 with ten extensions and ten collectors, at the simulator."""
    return set_up(runtime, infinity.url + "/infinity/api")


@pytest.fixture
def api(runtime: Runtime) -> Iterator[httpx.Client]:
    """The API as the administrator of every tenant sees it."""
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        client.headers["Authorization"] = "Bearer admin-token"
        yield client


@pytest.fixture
def command(office, monkeypatch):
    """Runs a command on the office's database; its exit status and its JSON."""
    settings = office.runtime.settings
    monkeypatch.setenv("CALLING_HOME", str(settings.home))
    monkeypatch.setenv("CALLING_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("CALLING_ALLOW_PRIVATE_URLS", "1")

    def run(*arguments):
        ended = CliRunner().invoke(main, ["telephony", *arguments, "--json"])
        return ended.exit_code, json.loads(ended.stdout)

    return run


@pytest.fixture
def free_port_url() -> Iterator[str]:
    """An address nobody listens on, nor can while the test runs: its port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/infinity/api"
