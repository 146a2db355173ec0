"""`calling-pipeline up`: everything on one machine, from the database to the Dagster UI, until it is interrupted."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline.access.audit.door import through
from calling_pipeline.access.login import login
from calling_pipeline.access.login.records import LINK_VALID
from calling_pipeline.access.people import people
from calling_pipeline.at_most_once.orphans import SessionLock
from calling_pipeline.cli.filling import wait_for_caches, wanted_days
from calling_pipeline.cli.listening import HOST
from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.alone import Alone
from calling_pipeline.cli.machine.keeper import Keeper
from calling_pipeline.cli.machine.ports import require_free
from calling_pipeline.cli.machine.processes import MARK, Identity, end, identify, marked
from calling_pipeline.cli.machine.services import private_origins, start_all, ui_url, uses_simulator, wait_for_all
from calling_pipeline.cli.machine.stopping import stop_in_order
from calling_pipeline.cli.machine.watching import Watch
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, one_sentence
from calling_pipeline.cli.supervisor import Interrupts, Supervisor, interruptible
from calling_pipeline.errors import CallingError, Conflict, NotFound
from calling_pipeline.example import keeping
from calling_pipeline.runtime import Runtime

UP = "calling-pipeline up"
"""The session lock that `up` holds: one daemon on one database."""


@click.command(cls=PipelineCommand)
@click.option(
    "--calls-csv", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Real calls for the simulator."
)
@click.option("--no-first-sync", is_flag=True, help="Do not wait until the caches are filled.")
@click.pass_obj
def up(door: Door, calls_csv: str | None, no_first_sync: bool) -> Answer:
    """Run PostgreSQL, the vendor simulator, the console with the API and the Dagster UI until Ctrl-C; the data stay."""
    home = door.founding_runtime.settings.home
    with interruptible() as interrupts, suppress(KeyboardInterrupt):
        _run(door, calls_csv, interrupts, first_sync=not no_first_sync)
    return Answer({"stopped": True}, ["stopped; the data stay in " + str(home)])


def _run(door: Door, calls_csv: str | None, interrupts: Interrupts, *, first_sync: bool) -> None:
    """Until an interrupt, or what else ends it; everything is stopped then."""
    runtime = door.founding_runtime
    home = runtime.settings.home
    home.mkdir(parents=True, exist_ok=True)
    alone = Alone(home)
    try:
        for one in alone.take(_say):
            _say(f"ended what an earlier `up` left: {one}")
        require_free(runtime.settings)
        running = _Up(runtime, interrupts)
        try:
            running.run(door, calls_csv, first_sync=first_sync)
        finally:
            running.stop()
    finally:
        alone.free()


class _Up:
    """One `up`: what it has started, and how that is stopped, however far it came."""

    def __init__(self, runtime: Runtime, interrupts: Interrupts) -> None:
        self._runtime, self._interrupts = runtime, interrupts
        self._home = runtime.settings.home
        self._mark = uuid.uuid4().hex
        own = identify(os.getpid())
        assert own is not None
        self._record = records.Record(self._mark, own)
        more = {MARK: self._mark, "CALLING_HOME": str(self._home)}
        if uses_simulator(runtime.settings):
            more["CALLING_PRIVATE_ORIGINS"] = private_origins(runtime.settings)
        self._example = keeping.want(runtime.settings)
        if self._example in ("wanted", "seeded"):
            more |= keeping.environment(runtime.settings)
        self._note({})
        environment = runtime.settings.child_environment(more)
        self._keeper = Keeper(self._home, self._mark, environment)
        self._supervisor = Supervisor(environment, self._home / "logs", self._note)
        self._lock: SessionLock | None = None

    def run(self, door: Door, calls_csv: str | None, *, first_sync: bool) -> None:
        """Start everything and watch it. Raises what ends it."""
        runtime, settings, supervisor = self._runtime, self._runtime.settings, self._supervisor
        since = time.time()
        start_all(supervisor, runtime, calls_csv, _say, self._be_alone)
        assert self._lock is not None
        watch = Watch(runtime, supervisor, self._keeper, self._lock, _say)
        wait_for_all(supervisor, settings)
        _announce(runtime)
        if self._example in ("wanted", "seeded"):
            _say(_example_of(runtime))
        if first_sync:
            wanted = wanted_days(runtime)
            _say(f"first sync  {wanted[0]} … {wanted[-1]}, as runs of the sensor cache_warm_up …")
            _say(wait_for_caches(runtime, watch.look, ui_url(settings), door.progress(), since=since))
        _say("Ctrl-C stops all of it; the data stay.")
        watch.go_on()

    def stop(self) -> None:
        """Stop everything in order, and take the note away."""
        if self._lock is None:
            self._supervisor.stop()
        else:
            stop_in_order(
                self._supervisor, self._runtime.existing_dagster_url, self._supervisor.environment, self._interrupts, _say
            )
            self._lock.free()
        self._keeper.dismiss()
        end(marked(self._mark), within_s=5)
        records.remove(self._home, self._mark)

    def _be_alone(self) -> None:
        """Take the lock of the database, which another machine's `up` may hold."""
        lock = SessionLock(self._runtime.direct_url, UP)
        if not lock.take():
            raise Conflict("another `calling-pipeline up` serves this database already; end it before you start one")
        self._lock = lock

    def _note(self, children: Mapping[str, Identity]) -> None:
        self._record = records.Record(self._mark, self._record.up, children)
        records.save(self._home, self._record)


def _announce(runtime: Runtime) -> None:
    settings = runtime.settings
    _say(f"console     {_way_in(runtime)}")
    _say(f"Dagster UI  {ui_url(settings)}   (the same login)")
    _say(f"API         http://{HOST}:{settings.api_port}   (description at /docs)")
    if uses_simulator(settings):
        _say(f"simulator   {settings.simulator_url}   (of this machine's ports, tenants' URLs may reach this one)")
    if settings.api_tokens is None:
        _say(f"API token   {next(iter(settings.token_grants()))}   (admin; kept in {settings.home / 'admin.token'})")


def _example_of(runtime: Runtime) -> str:
    """Make what is missing of the example world, and say where it is. What fails of it stops nothing."""
    from calling_pipeline.example import hearing, seeding  # noqa: PLC0415 - 300 ms of every other start

    try:
        made = seeding.seed(runtime)
        hearing.hear(runtime)
    except (CallingError, SQLAlchemyError) as error:
        return f"example     not complete: {one_sentence(error)}"
    ways = "`calling-pipeline example links` logs its people in, `example remove` removes it"
    return f"example     {'was there already' if made.nothing else 'a small world in every room'}: {ways}"


def _way_in(runtime: Runtime) -> str:
    """The address of the console, with a link that logs the first admin in while that person is active."""
    address = f"http://{HOST}:{runtime.settings.api_port}"
    try:
        with through("command line"), runtime.transaction() as connection:
            link = login.make_link(connection, people.FIRST_ADMIN, by=UP)
    except (NotFound, Conflict):
        return address
    minutes = LINK_VALID.total_seconds() / 60
    return f"{address}/login?link={link}   (logs {people.FIRST_ADMIN} in, once, within {minutes:.0f} minutes)"


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
