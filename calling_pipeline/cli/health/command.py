"""`calling-pipeline health ROLE`: for probes, which run often; it loads nothing that the role does not need."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from calling_pipeline.cli.health.probes import ROLES, look
from calling_pipeline.cli.health.records import Health, Question
from calling_pipeline.errors import CallingError


@click.command()
@click.argument("role", type=click.Choice(ROLES))
@click.option("--live", is_flag=True, help="Only whether the process lives; without it, whether it can work now.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the role; as the settings say without it.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
@click.pass_context
def health(ctx: click.Context, role: str, live: bool, port: int | None, as_json: bool) -> None:
    """Say whether a role of this machine is ready to work, or lives (--live). Exits 0 when it is, else 1."""
    question: Question = "live" if live else "ready"
    try:
        found = look(role, question, port)
    except CallingError as error:
        found = Health(role, question, False, str(error))
    click.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else f"{role}: {found.said}")
    ctx.exit(0 if found.well else 1)
