"""Every command of `docs/takeover.md` is one that there is, with options that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from calling_pipeline.cli.main import main

TEXT = (Path(__file__).parents[2] / "docs" / "takeover.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^calling-pipeline .+$", TEXT, re.MULTILINE)))


def test_the_checklist_names_every_command_of_a_takeover():
    assert len(COMMANDS) >= 10
    for name in ("mapping", "SOURCE --dry-run", "compare", "export", "list"):
        assert any(command.startswith(f"calling-pipeline takeover {name}") for command in COMMANDS), name


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_checklist_can_be_typed(line):
    words = shlex.split(line)[1:]
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, parent=context)
    command.make_context(command.name, list(words), parent=context.parent)
