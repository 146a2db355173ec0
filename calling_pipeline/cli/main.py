"""`calling-pipeline`: the command line. Each group is one file of this folder, imported when it is called."""

from __future__ import annotations

import importlib
import logging

import click

from calling_pipeline import __version__

_COMMANDS = {
    "up": "calling_pipeline.cli.up:up",
    "exec": "calling_pipeline.cli.up:execute",
    "migrate": "calling_pipeline.cli.server:migrate",
    "alerts": "calling_pipeline.cli.alerts:alerts",
    "api": "calling_pipeline.cli.server:api",
    "notify": "calling_pipeline.cli.notify:notify",
    "calls": "calling_pipeline.cli.calls.batches:calls",
    "ledger": "calling_pipeline.cli.ledger:ledger",
    "stats": "calling_pipeline.cli.stats:stats",
    "simulator": "calling_pipeline.cli.server:simulator",
    "telephony": "calling_pipeline.cli.telephony:telephony",
    "policy": "calling_pipeline.cli.policy:policy",
}
"""Command or group → `module:attribute`."""


class LazyGroup(click.Group):
    """Imports a command only when it is called or its help is shown, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="calling-pipeline")
@click.pass_context
def main(ctx: click.Context) -> None:
    """The data orchestration of an outbound call centre.

    Every command takes --json and --debug; exit status 0 done, 1 failed, 2 wrong usage.
    """
    from calling_pipeline.cli.output import Door

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("calling_pipeline.vendors").setLevel(logging.INFO)  # who waits for a vendor sees why
    ctx.obj = Door()
    ctx.call_on_close(ctx.obj.close)


if __name__ == "__main__":
    main()
