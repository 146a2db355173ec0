"""`calling-pipeline up`: everything on one machine, from the database to the Dagster UI, until it is interrupted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from calling_pipeline.access.people.people import ensure_admin
from calling_pipeline.at_most_once.orphans import SessionLock, is_held
from calling_pipeline.call_stats.older_hashes.forward import bring_forward
from calling_pipeline.cli.filling import wait_for_caches, wanted_days
from calling_pipeline.cli.listening import HOST, listen
from calling_pipeline.cli.output import Answer, Door, PipelineCommand
from calling_pipeline.cli.supervisor import Supervisor, accepts, answers, interruptible
from calling_pipeline.errors import ConfigurationError, Conflict, InvalidInput
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings

LOCATION = "calling_pipeline"
UP = "calling-pipeline up"
"""The session lock that `up` holds: one daemon on one database."""


@click.command(cls=PipelineCommand)
@click.option(
    "--calls-csv", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Real calls for the simulator."
)
@click.option("--no-first-sync", is_flag=True, help="Do not wait until the caches are filled.")
@click.pass_obj
def up(door: Door, calls_csv: str | None, no_first_sync: bool) -> Answer:
    """Run PostgreSQL, the vendor simulator, the API and the Dagster UI until Ctrl-C; the data stay."""
    runtime = door.runtime
    settings = runtime.settings
    with interruptible():
        try:
            _require_free_ports(settings)
            environment = prepare(runtime)
            if _uses_simulator(settings):
                environment["CALLING_PRIVATE_ORIGINS"] = _private_origins(settings)
            supervisor = Supervisor(settings.child_environment(environment), settings.home.resolve() / "logs")
            alone = SessionLock(runtime.database_url, UP)
            if not alone.take():
                raise Conflict("another `calling-pipeline up` serves this database already; end it before you start one")
            try:
                _start(supervisor, settings, calls_csv)
                _announce(settings)
                if not no_first_sync:
                    wanted = wanted_days(runtime)
                    _say(f"first sync  {wanted[0]} … {wanted[-1]}, as runs of the sensor cache_warm_up …")
                    _say(wait_for_caches(runtime, supervisor, _ui(settings), door.progress()))
                _say("Ctrl-C stops all of it; the data stay.")
                while True:
                    supervisor.require_all_running()
                    time.sleep(1)
            finally:
                _say("stopping …")
                supervisor.stop_all()
                alone.free()
        except KeyboardInterrupt:
            return Answer({"stopped": True}, ["stopped; the data stay in " + str(settings.home)])


@click.command("exec", cls=PipelineCommand, context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def execute(door: Door, command: tuple[str, ...]) -> Answer:
    """Run COMMAND with the database up and Dagster's environment set: `calling-pipeline exec -- dagster run list`."""
    environment = door.runtime.settings.child_environment(prepare(door.runtime))
    if _starts_a_daemon(command):
        with door.runtime.transaction() as connection:
            if is_held(connection, UP):
                raise Conflict("`calling-pipeline up` runs a daemon already, and a second one would disturb it")
    try:
        status = subprocess.run(command, env=environment, check=False).returncode
    except FileNotFoundError:
        raise InvalidInput(f"there is no command called {command[0]!r}") from None
    return Answer({"exit_status": status}, failed=status != 0)


def _starts_a_daemon(command: Sequence[str]) -> bool:
    program = Path(command[0]).name
    return program == "dagster-daemon" or (program in ("dagster", "dg") and "dev" in command[1:])


def prepare(runtime: Runtime) -> dict[str, str]:
    """Databases made and migrated, Dagster's home laid out; returns the environment its processes need."""
    _say("database …")
    home = runtime.settings.home.resolve()
    runtime.migrate()
    with runtime.transaction() as connection:
        ensure_admin(connection)
    bring_forward(runtime.engine, runtime.phone_key)
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    instance_file = Path("dagster.yaml")
    if not instance_file.exists():
        raise ConfigurationError("dagster.yaml is not in the current folder; run this in the project's folder")
    shutil.copyfile(instance_file, dagster_home / "dagster.yaml")
    return {
        "CALLING_HOME": str(home),
        "CALLING_DATABASE_URL": runtime.database_url.set(drivername="postgresql").render_as_string(hide_password=False),
        "CALLING_DAGSTER_DATABASE_URL": runtime.dagster_url.render_as_string(hide_password=False),
        "DAGSTER_HOME": str(dagster_home),
    }


def _start(supervisor: Supervisor, settings: Settings, calls_csv: str | None) -> None:
    if _uses_simulator(settings):
        more = ["--calls-csv", calls_csv] if calls_csv else []
        supervisor.start("simulator", _python("calling_pipeline.cli.main", "simulator", *more))
    _say("Dagster …")
    workspace = _workspace(settings)
    port = str(settings.code_server_port)
    code = ["-m", "calling_pipeline.definitions", "--location-name", LOCATION]
    supervisor.start("code-server", _python("dagster", "api", "grpc", *code, "-h", HOST, "-p", port))
    if _uses_simulator(settings):
        supervisor.wait_until(lambda: answers(f"{settings.simulator_url}/_sim/faults"), "the vendor simulator", within_s=30)
    supervisor.wait_until(lambda: accepts(HOST, settings.code_server_port), "Dagster's code server", within_s=120)
    supervisor.start("daemon", _python("dagster._daemon", "run", "-w", str(workspace)))
    supervisor.start("api", _python("calling_pipeline.cli.main", "api"))
    supervisor.start(
        "webserver", _python("dagster_webserver", "-w", str(workspace), "-h", HOST, "-p", str(settings.ui_port))
    )
    supervisor.wait_until(lambda: answers(f"{_ui(settings)}/server_info"), "the Dagster UI", within_s=120)
    supervisor.wait_until(lambda: answers(f"http://{HOST}:{settings.api_port}/healthz"), "the API", within_s=60)


def _ui(settings: Settings) -> str:
    return f"http://{HOST}:{settings.ui_port}"


def _uses_simulator(settings: Settings) -> bool:
    return any(url.startswith(settings.simulator_url) for url in settings.vendor_urls())


def _private_origins(settings: Settings) -> str:
    """The origins that tenants' URLs may reach on this machine: the simulator's, where simulated telephony lies."""
    return json.dumps([*settings.private_origins, settings.simulator_url])


def _announce(settings: Settings) -> None:
    _say(f"Dagster UI  {_ui(settings)}")
    _say(f"API         http://{HOST}:{settings.api_port}   (description at /docs)")
    if _uses_simulator(settings):
        _say(f"simulator   {settings.simulator_url}   (of this machine's ports, tenants' URLs may reach this one)")
    if settings.api_tokens is None:
        _say(f"API token   {next(iter(settings.token_grants()))}   (admin; kept in {settings.home / 'admin.token'})")


def _workspace(settings: Settings) -> Path:
    path = settings.home.resolve() / "workspace.yaml"
    server = f"{{host: {HOST}, port: {settings.code_server_port}, location_name: {LOCATION}}}"
    path.write_text(f"load_from:\n  - grpc_server: {server}\n")
    return path


def _require_free_ports(settings: Settings) -> None:
    for name in ("ui", "api", "simulator", "code_server"):
        listen(HOST, getattr(settings, f"{name}_port"), setting=f"CALLING_{name.upper()}_PORT").close()


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
