"""Commands as README and docs have them: found in their Markdown, and parsed by the command line itself.

Nothing is run here. What a page writes for a value (`ID`, `FILE`, `NAME`, `…`) becomes one that the parameter takes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from calling_pipeline.cli.main import main
from calling_pipeline_tests.house.source import ROOT

OURS = "calling-pipeline"
SHELLS = {"sh", "bash", "console", ""}
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_]*|…|\{\w+\}|<[\w -]+>")
_TARGET = re.compile(r"^([a-z][\w-]*):", re.MULTILINE)
TARGETS = frozenset(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Found:
    """One command of a page. `fenced`: it stands in a block, as people type it, and not within a sentence."""

    page: str
    text: str
    fenced: bool

    @property
    def words(self) -> list[str]:
        """What a shell makes of it, without the settings before it and what it is piped into."""
        words = shlex.split(re.sub(r"\[(-[^\]]*)\]", r"\1", self.text), comments=True)  # `[--dry-run]` may be left out
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            del words[0]
        ends = [place for place, word in enumerate(words) if word in ("|", ">", ">>", "&&", ";", "<", "2>&1", "&")]
        return words[: ends[0]] if ends else words

    @property
    def path(self) -> str:
        """Which of our commands it is: `stats held list`; empty for the bare name, `make TARGET` for a target of make."""
        if self.program == "make":
            return " ".join(["make", *self.words[1:2]])
        command: click.Command = main
        context, names = click.Context(main, info_name=OURS), list[str]()
        for word in self.words[1:]:
            chosen = command.get_command(context, word) if isinstance(command, click.Group) else None
            if chosen is None:
                break
            names.append(word)
            command, context = chosen, click.Context(chosen, parent=context, info_name=word)
        return " ".join(names)

    @property
    def program(self) -> str:
        """The program's name."""
        return Path(self.words[0]).name if self.words else ""


def pages() -> list[Path]:
    """README and everything in docs."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands_of(text: str, page: str = "") -> Iterator[Found]:
    """Every command of a page that is ours, or a target of make; of shell blocks every line."""
    for language, block in _FENCE.findall(text):
        if language in SHELLS:
            for line in block.replace("\\\n", " ").splitlines():
                typed = line.strip().removeprefix("$ ")
                if _is_ours(typed):
                    yield Found(page, typed, True)
    for code in _CODE.findall(_FENCE.sub("", text)):
        if _is_ours(code):
            yield from (Found(page, one, False) for one in _alternatives(code.replace(r"\|", "|")))


def why_wrong(found: Found) -> str:
    """Why nobody can type this command; empty when one can."""
    words = found.words
    if found.program == "make":
        unknown = [word for word in words[1:] if "=" not in word and not word.startswith("-") and word not in TARGETS]
        return f"the Makefile has no target {unknown[0]}" if unknown else ""
    wrong = _parsed(main, [word for word in words[1:] if word != "…"], click.Context(main, info_name=OURS))
    return (
        wrong if found.fenced or not wrong.startswith("Missing ") else ""
    )  # within a sentence a command may be named alone


def _is_ours(text: str) -> bool:
    bare = re.sub(r"^([A-Z_]+=\S* )+", "", text)
    return bool(re.match(rf"(\S*/)?{OURS}\b(?! location)|make [a-z]", bare)) and not bare.startswith(f"{OURS}:")


def _alternatives(code: str) -> list[str]:
    """`stats sync|show` are two commands."""
    for word in code.split(" "):
        if "|" in word.strip("|") and not any(mark in word for mark in "\"'=["):
            return [text for one in word.split("|") for text in _alternatives(code.replace(word, one, 1))]
    return [code]


def _parsed(command: click.Command, words: list[str], parent: click.Context) -> str:
    """What click says of these words, or nothing."""
    if not isinstance(command, click.Group):
        return _complaint(command, _with_values(command, words), parent)
    if not words or words[0] in ("-h", "--help"):
        return ""
    if words[0].startswith("-"):
        return _parsed(command, words[1:], parent)
    if _PLACEHOLDER.fullmatch(words[0]) and command.get_command(parent, words[0]) is None and not _takes_any(command):
        words = [command.list_commands(parent)[0], *words[1:]]
    try:
        name, chosen, rest = command.resolve_command(parent, words)
    except click.UsageError:
        return f"there is no command {words[0]!r}"
    assert chosen is not None
    return _parsed(chosen, rest, click.Context(chosen, parent=parent, info_name=name))


def _takes_any(command: click.Group) -> bool:
    """Whether the group has a command for words that are none, as `takeover SOURCE` has."""
    return type(command).resolve_command is not click.Group.resolve_command


def _complaint(command: click.Command, words: list[str], parent: click.Context) -> str:
    if {"-h", "--help"} & set(words):
        return ""
    try:
        command.make_context(command.name, words, parent=parent)
    except click.UsageError as error:
        return error.format_message()
    return ""


def _with_values(command: click.Command, words: list[str]) -> list[str]:
    """A value that the parameter takes wherever the page has a name for one, or a file that is not here."""
    options = {name: p for p in command.params if isinstance(p, click.Option) for name in [*p.opts, *p.secondary_opts]}
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    made: list[str] = []
    taken = 0
    waiting: click.Parameter | None = None
    for word in words:
        if waiting is not None:
            made.append(_value(waiting, word))
            waiting = None
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            option = options.get(name)
            made.append(f"{name}={_value(option, value)}" if equals and option is not None else word)
            if option is not None and not equals and not option.is_flag:
                waiting = option
        else:
            argument = arguments[min(taken, len(arguments) - 1)] if arguments else None
            taken += 1
            made.append(_value(argument, word) if argument is not None else word)
    return made


def _value(parameter: click.Parameter, word: str) -> str:
    kind = parameter.type
    if isinstance(kind, click.Path) and not kind.file_okay:
        return str(ROOT) if kind.exists else word
    if isinstance(kind, click.Path | click.File):
        return str(ROOT / "README.md") if "r" in getattr(kind, "mode", "r") or getattr(kind, "exists", False) else word
    if not _PLACEHOLDER.fullmatch(word):
        return word
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    return "7" if isinstance(kind, click.types.IntParamType | click.types.FloatParamType) else word
