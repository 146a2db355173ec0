"""The settings: each that is wrong as a sentence, and each name that is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from calling_pipeline.cli.doctor.findings import Finding
from calling_pipeline.cli.machine.processes import MARK
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.project import project_folder
from calling_pipeline.setting_files import named_by_files, names_given
from calling_pipeline.settings import PREFIX, Settings, load

_README = "see the settings table in README.md"


def settings() -> Settings | None:
    """The settings; None when one is wrong."""
    try:
        return load()
    except ConfigurationError:
        return None


def wrong() -> list[Finding]:
    """What `load` refuses, one sentence each."""
    try:
        load()
    except ConfigurationError as error:
        return [Finding("settings", "wrong", sentence, _README) for sentence in re.split(f"; (?={PREFIX})", str(error))]
    return [Finding("settings", "ok", "every setting is valid")]


def unknown() -> Iterator[Finding]:
    """Names with our prefix that no setting has: mostly misspelt ones, which are ignored without a word."""
    fields = Settings.model_fields
    known = {PREFIX + name.upper() for name in fields} | {MARK, *named_by_files(fields, PREFIX)}
    for name, where in sorted(_given().items()):
        if name not in known and not name.startswith("CALLING_TEST_"):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            do = f"did you mean {near[0]}?" if near else f"take it away; {_README}"
            yield Finding("settings", "wrong", f"{name} in {where} is no setting, and has no effect", do)


def _given() -> dict[str, str]:
    """Name → where it is set, the `.env` of the project included. No values."""
    found = dict.fromkeys(names_given(PREFIX), "the environment")
    path = (project_folder() or Path.cwd()) / ".env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return found
    for line in lines:
        name, equals, _ = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip().startswith(PREFIX):
            found.setdefault(name.strip(), str(path))
    return found
