"""What `up` notes in CALLING_HOME about itself and what it started: `up.json`, by which the next one finds leftovers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from calling_pipeline.cli.machine.processes import Identity

NAME = "up.json"


@dataclass(frozen=True)
class Record:
    """One `up`: its mark, itself, and its children by name."""

    mark: str
    up: Identity
    children: Mapping[str, Identity] = field(default_factory=dict)


def save(home: Path, record: Record) -> None:
    """Note it in one step, so that a reader sees the old or the new one."""
    draft = home / f".{NAME}.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(home / NAME)


def read(home: Path) -> Record | None:
    """What is noted; None without a note, or with one that cannot be read."""
    try:
        noted = json.loads((home / NAME).read_bytes())
        children = {name: Identity(**child) for name, child in noted["children"].items()}
        return Record(noted["mark"], Identity(**noted["up"]), children)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remove(home: Path, mark: str) -> None:
    """Take the note away, if it is still that of the `up` with this mark."""
    noted = read(home)
    if noted is not None and noted.mark == mark:
        (home / NAME).unlink(missing_ok=True)
