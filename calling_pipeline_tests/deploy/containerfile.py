"""Reads `deploy/Containerfile`: its stages, and the instructions of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTAINERFILE = ROOT / "deploy" / "Containerfile"
ROLES = ("migrate", "code", "daemon", "ui", "api", "worker")


@dataclass(frozen=True)
class Instruction:
    """`RUN`, `COPY` …, and its text on one line."""

    word: str
    text: str


@dataclass(frozen=True)
class Stage:
    """One `FROM … AS name` with what follows it."""

    name: str
    parent: str
    instructions: Sequence[Instruction] = field(default_factory=list)

    def of(self, word: str) -> list[str]:
        """The texts of its instructions of this kind."""
        return [one.text for one in self.instructions if one.word == word]


def instructions(text: str) -> list[Instruction]:
    """Every instruction, comments left out and continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [line.strip().split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(word.upper(), rest) for word, rest in found]


def stages(text: str) -> dict[str, Stage]:
    """Name → stage, in order; what stands before the first are the arguments of all."""
    given: dict[str, str] = {}
    made: dict[str, Stage] = {}
    current: list[Instruction] = []
    for one in instructions(text):
        if one.word == "ARG" and not made:
            name, _, value = one.text.partition("=")
            given[name] = value
        elif one.word == "FROM":
            parent, _, name = one.text.partition(" AS ")
            current = []
            made[name] = Stage(name, filled(parent, given), current)
        else:
            current.append(one)
    return made


def line_of(name: str, made: Mapping[str, Stage]) -> list[Stage]:
    """A stage and those that it is built on, the first first."""
    stage = made[name]
    return [*(line_of(stage.parent, made) if stage.parent in made else []), stage]


def command(name: str, made: Mapping[str, Stage]) -> list[str]:
    """What a container of this target runs: the entry point with the command."""
    found = {"ENTRYPOINT": [], "CMD": []}
    for stage in line_of(name, made):
        for one in stage.instructions:
            if one.word in found:
                found[one.word] = json.loads(one.text)
    return [*found["ENTRYPOINT"], *found["CMD"]]


def environment(name: str, made: Mapping[str, Stage]) -> dict[str, str]:
    """The environment of a container of this target."""
    pairs = (re.findall(r"([A-Z_]+)=(\S+)", text) for stage in line_of(name, made) for text in stage.of("ENV"))
    return {key: value for found in pairs for key, value in found}


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with `${NAME}` replaced."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)
