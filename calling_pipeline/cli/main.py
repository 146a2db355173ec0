"""`calling-pipeline`: the command line. Each group is one file of this folder."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Mapping
from pkgutil import resolve_name

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
HEAVY: Mapping[str, str] = {
    "analysis": "analysis:analysis",
    "api": "api:api",
    "backup": "backups:backup",
    "calls": "call_batches.batches:calls",
    "code-server": "roles:code_server",
    "daemon": "roles:daemon",
    "demo": "demo:demo",
    "doctor": "doctor.command:doctor",
    "example": "example:example",
    "exports": "exports:exports",
    "go-on": "backups:go_on",
    "keys": "keys:keys",
    "notify": "notifications.runs:notify",
    "person": "persons:person",
    "reports": "reports:reports",
    "restore": "backups:restore",
    "simulator": "simulator:simulator",
    "stats": "call_stats:stats",
    "status": "status:status",
    "takeover": "takeover:takeover",
    "telephony": "telephony:telephony",
    "ui": "ui:ui",
}
"""Commands, by module of this folder and name, imported only when they are called or described: together they would more
than double the start of every command, from 0.8 s to 2.1 s of CPU time (40 to 870 ms each)."""


class LazyGroup(click.Group):
    """Imports a heavy command only when it is called or its help is shown, so that the others start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*LIGHT, *HEAVY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in HEAVY:
            return LIGHT.get(cmd_name)
        found = resolve_name(f"{__package__}.{HEAVY[cmd_name]}")
        assert isinstance(found, click.Command), cmd_name
        return found


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
