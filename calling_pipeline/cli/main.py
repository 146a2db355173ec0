"""`calling-pipeline`: the command line. Each group is one file of this folder."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

import click

from calling_pipeline import __version__
from calling_pipeline.access.audit.door import through
from calling_pipeline.cli.alerts import alerts
from calling_pipeline.cli.contact_policy import policy
from calling_pipeline.cli.down import down
from calling_pipeline.cli.execute import execute
from calling_pipeline.cli.health.command import health
from calling_pipeline.cli.migrate import migrate
from calling_pipeline.cli.output import Door
from calling_pipeline.cli.people import audit, users
from calling_pipeline.cli.task_ledger import ledger
from calling_pipeline.cli.up import up
from calling_pipeline.cli.worker import worker
from calling_pipeline.private import log_to_stderr


def _roles() -> ModuleType:
    from calling_pipeline.cli import roles  # noqa: PLC0415 - 40 ms

    return roles


def _reports() -> click.Command:
    from calling_pipeline.cli.reports import reports  # noqa: PLC0415 - 150 ms

    return reports


def _analysis() -> click.Command:
    from calling_pipeline.cli.analysis import analysis  # noqa: PLC0415 - 150 ms

    return analysis


def _api() -> click.Command:
    from calling_pipeline.cli.api import api  # noqa: PLC0415 - 870 ms

    return api


def _backups(name: str) -> click.Command:
    from calling_pipeline.cli import backups, keys  # noqa: PLC0415 - 250 ms

    found = {"backup": backups.backup, "go-on": backups.go_on, "keys": keys.keys, "restore": backups.restore}
    return found[name]


def _call_batches() -> click.Command:
    from calling_pipeline.cli.call_batches.batches import calls  # noqa: PLC0415 - 220 ms

    return calls


def _call_stats() -> click.Command:
    from calling_pipeline.cli.call_stats import stats  # noqa: PLC0415 - 130 ms

    return stats


def _demo() -> click.Command:
    from calling_pipeline.cli.demo import demo  # noqa: PLC0415 - 300 ms

    return demo


def _doctor() -> click.Command:
    from calling_pipeline.cli.doctor.command import doctor  # noqa: PLC0415 - 150 ms

    return doctor


def _example() -> click.Command:
    from calling_pipeline.cli.example import example  # noqa: PLC0415 - 300 ms

    return example


def _exports() -> click.Command:
    from calling_pipeline.cli.exports import exports  # noqa: PLC0415 - 150 ms

    return exports


def _notifications() -> click.Command:
    from calling_pipeline.cli.notifications.runs import notify  # noqa: PLC0415 - 230 ms

    return notify


def _person() -> click.Command:
    from calling_pipeline.cli.persons import person  # noqa: PLC0415 - 150 ms

    return person


def _simulator() -> click.Command:
    from calling_pipeline.cli.simulator import simulator  # noqa: PLC0415 - 100 ms

    return simulator


def _status() -> click.Command:
    from calling_pipeline.cli.status import status  # noqa: PLC0415 - 300 ms

    return status


def _takeover() -> click.Command:
    from calling_pipeline.cli.takeover import takeover  # noqa: PLC0415 - 300 ms

    return takeover


def _telephony() -> click.Command:
    from calling_pipeline.cli.telephony import telephony  # noqa: PLC0415 - 150 ms

    return telephony


def _ui() -> click.Command:
    from calling_pipeline.cli.ui import ui  # noqa: PLC0415 - 60 ms

    return ui


LIGHT: Mapping[str, click.Command] = {
    "alerts": alerts,
    "audit": audit,
    "down": down,
    "exec": execute,
    "health": health,
    "ledger": ledger,
    "migrate": migrate,
    "policy": policy,
    "up": up,
    "users": users,
    "worker": worker,
}
HEAVY: Mapping[str, Callable[[], click.Command]] = {
    "analysis": _analysis,
    "api": _api,
    "backup": partial(_backups, "backup"),
    "calls": _call_batches,
    "code-server": lambda: _roles().code_server,
    "daemon": lambda: _roles().daemon,
    "demo": _demo,
    "doctor": _doctor,
    "example": _example,
    "exports": _exports,
    "go-on": partial(_backups, "go-on"),
    "keys": partial(_backups, "keys"),
    "notify": _notifications,
    "person": _person,
    "reports": _reports,
    "restore": partial(_backups, "restore"),
    "simulator": _simulator,
    "stats": _call_stats,
    "status": _status,
    "takeover": _takeover,
    "telephony": _telephony,
    "ui": _ui,
}
"""Commands imported only when called or described: together they would more than double the start of every command,
from 0.8 s to 2.1 s of CPU time; the milliseconds above are what each adds alone (measured on a busy machine)."""


class LazyGroup(click.Group):
    """Imports a heavy command only when it is called or its help is shown, so that the others start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*LIGHT, *HEAVY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in HEAVY:
            return HEAVY[cmd_name]()
        return LIGHT.get(cmd_name)


def _end_in_order_on_sigterm() -> None:
    """Let SIGTERM end a command as its own end does: the embedded server stops with its last user, if that can sign off."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="calling-pipeline")
@click.option("--as", "acting_as", metavar="NAME", help="Who acts: a known active person; CALLING_USER without it.")
@click.pass_context
def main(ctx: click.Context, acting_as: str | None) -> None:
    """The data orchestration of an outbound call centre.

    Every command takes --json and --debug; exit status 0 done, 1 failed, 2 wrong usage.
    """
    log_to_stderr()
    logging.getLogger("calling_pipeline.vendors").setLevel(logging.INFO)  # who waits for a vendor sees why
    _end_in_order_on_sigterm()
    ctx.with_resource(through("command line"))
    ctx.obj = Door(acting_as)
    ctx.call_on_close(ctx.obj.close)


if __name__ == "__main__":
    main()
