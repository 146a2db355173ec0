"""`calling-pipeline doctor`: what is wrong with this machine, its settings, its vendors and its databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from calling_pipeline.cli.doctor import configuration, machine, outside, stored
from calling_pipeline.cli.doctor.findings import Finding, Probe, examine
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, table
from calling_pipeline.settings import Settings


@click.command(cls=PipelineCommand)
@click.pass_obj
def doctor(door: Door) -> Answer:
    """Say what is wrong with the machine, a setting, a vendor's address, a clock or the databases, and what to do.

    Starts nothing and changes nothing; works without a database. Exits 1 when anything is wrong.
    """
    settings = configuration.settings()
    found = examine(_always() if settings is None else [*_always(), *_with(settings)])
    wrong = [finding for finding in found if finding.level == "wrong"]
    return Answer({"healthy": not wrong, "findings": found}, _lines(found), failed=bool(wrong))


def _always() -> list[Probe]:
    return [
        Probe("python", machine.python),
        Probe("settings", configuration.wrong),
        Probe("settings", lambda: list(configuration.unknown())),
        Probe("limits", lambda: list(machine.limits())),
    ]


def _with(settings: Settings) -> list[Probe]:
    return [
        Probe("home", lambda: machine.home(settings)),
        Probe("disk", lambda: machine.disk(settings.home)),
        Probe("up", lambda: machine.leftovers(settings)),
        Probe("ports", lambda: list(machine.ports(settings))),
        Probe("ledgers", lambda: list(machine.ledgers(settings))),
        Probe("key", lambda: stored.key(settings)),
        Probe("database", lambda: list(stored.look(settings)), limit_s=20.0),
        *outside.probes(settings),
    ]


def _lines(found: Sequence[Finding]) -> list[Any]:
    order = {"wrong": 0, "warn": 1, "ok": 2}
    rows = [(one.level, one.area, one.what, one.do) for one in sorted(found, key=lambda one: order[one.level])]
    counts = {level: sum(one.level == level for one in found) for level in order}
    said = f"{counts['wrong']} wrong, {counts['warn']} to look at, {counts['ok']} well"
    return [table(["", "what", "found", "what to do"], rows), said]
