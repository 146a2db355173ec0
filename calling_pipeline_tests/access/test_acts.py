"""Every route and command by which people change something stands in a table with the act that the audit log then has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from calling_pipeline.cli.main import main
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.api.test_matrix import TABLE as API
from calling_pipeline_tests.console.test_matrix import OPEN
from calling_pipeline_tests.console.test_matrix import TABLE as CONSOLE

LINES = [line.split(maxsplit=2) for line in Path(__file__).with_name("acts.txt").read_text().splitlines()]
ROUTES = {(method, path): act for method, path, act in LINES if method != "command"}
"""By method and path; `- …` says why the audit log needs no row."""
COMMANDS = {words.replace(">", " "): act for method, words, act in LINES if method == "command"}
KNOWN = {act for act, _ in catalogue().acts("en")}


def test_every_route_that_changes_something_has_its_act() -> None:
    changing = {one for one in (*API, *CONSOLE, *OPEN) if one[0] not in ("GET", "HEAD")}
    assert changing - ROUTES.keys() == {("POST", "/api/v1/session")} & changing
    assert ROUTES.keys() - changing == set()


def test_every_command_has_its_act_or_says_why_it_needs_none() -> None:
    assert set(commands(main)) == set(COMMANDS)


def test_every_act_of_the_table_has_words_in_both_languages() -> None:
    acts = {act for act in (*ROUTES.values(), *COMMANDS.values()) if not act.startswith("-")}
    assert acts - KNOWN == set()


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield " ".join((*before, name))
