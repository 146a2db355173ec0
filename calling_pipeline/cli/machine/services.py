"""The processes that `up` starts, in the order in which each can work."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from calling_pipeline.centres import location
from calling_pipeline.cli.listening import HOST
from calling_pipeline.cli.machine import environment
from calling_pipeline.cli.supervisor import Supervisor, accepts, answers
from calling_pipeline.runtime import Runtime
from calling_pipeline.setting_files import with_values
from calling_pipeline.settings import Settings

Say = Callable[[str], None]


def start_all(
    supervisor: Supervisor, runtime: Runtime, calls_csv: str | None, say: Say, be_alone: Callable[[], None]
) -> None:
    """Start everything, as much as possible at once; `be_alone` is called as soon as there is a database.

    Raises `ChildFailed` when one ends meanwhile, `ConfigurationError` when one takes too long, and what `be_alone` raises.
    """
    settings = runtime.settings
    if uses_simulator(settings):
        more = ["--pushed-calls", str(settings.home / "simulator_pushed_calls.jsonl")]
        more += ["--hour-effect", str(settings.simulator_hour_effect)] if settings.simulator_hour_effect else []
        more += ["--calls-csv", calls_csv] if calls_csv else []
        supervisor.start("simulator", _python("calling_pipeline.cli.main", "simulator", *more))
    say("database …")
    found = environment.of_dagster(runtime)
    be_alone()
    supervisor.environment = with_values(supervisor.environment, found)
    say("Dagster …")  # it loads while the database is migrated: what it loads opens no connection
    supervisor.start("code-server", code_server_command(settings, HOST, settings.code_server_port))
    environment.bring_up_to_date(runtime, say)
    supervisor.start("api", _python("calling_pipeline.cli.main", "api"), needed=False)
    workspace = workspace_file(settings)
    supervisor.start("ui", _python("calling_pipeline.cli.main", "ui"), needed=False)
    supervisor.start("daemon", daemon_command(workspace, [(HOST, settings.code_server_port)]))
    if uses_simulator(settings):
        supervisor.wait_until(lambda: answers(f"{settings.simulator_url}/_sim/faults"), "the vendor simulator", within_s=60)
    supervisor.wait_until(lambda: accepts(HOST, settings.code_server_port), "Dagster's code server", within_s=120)


def wait_for_all(supervisor: Supervisor, settings: Settings) -> None:
    """Wait until what people use answers."""
    supervisor.wait_until(lambda: answers(f"http://{HOST}:{settings.api_port}/healthz"), "the API", within_s=120)
    supervisor.wait_until(lambda: answers(f"{ui_url(settings)}/login"), "the Dagster UI", within_s=120)


def ui_url(settings: Settings) -> str:
    """The Dagster UI on this machine."""
    return f"http://{HOST}:{settings.ui_port}"


def uses_simulator(settings: Settings) -> bool:
    """Whether a vendor is the simulator of this machine."""
    return any(url.startswith(settings.simulator_url) for url in settings.vendor_urls())


def private_origins(settings: Settings) -> str:
    """The origins that tenants' URLs may reach on this machine: the simulator's, where simulated telephony lies."""
    return json.dumps([*settings.private_origins, settings.simulator_url])


def workspace_file(settings: Settings) -> Path:
    """Dagster's workspace file in CALLING_HOME, written anew: the code server of this machine."""
    path = settings.home / "workspace.yaml"
    server = f"{{host: {HOST}, port: {settings.code_server_port}, location_name: {location(settings.centre)}}}"
    path.write_text(f"load_from:\n  - grpc_server: {server}\n")
    return path


def code_server_command(settings: Settings, host: str, port: int) -> list[str]:
    """Dagster's code server with this project's code."""
    code = ["-m", "calling_pipeline.definitions", "--location-name", location(settings.centre)]
    form = ["--log-format", "json"] if settings.log_format == "json" else []
    return _python("dagster", "api", "grpc", *code, "-h", host, "-p", str(port), *form)


def daemon_command(workspace: Path, servers: Sequence[tuple[str, int]]) -> list[str]:
    """Dagster's daemon for the workspace file; it waits for these code servers."""
    waits_for = [f"{host}:{port}" for host, port in servers]
    return _python("calling_pipeline.defs.instance.daemon", str(workspace), *waits_for)


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
