"""Reads a backup's manifest and compares every file with it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from calling_pipeline.backups.making import MANIFEST
from calling_pipeline.backups.records import FORMAT, DumpedDatabase, Manifest, SavedFile
from calling_pipeline.backups.snapshots import sha256_of
from calling_pipeline.errors import ConfigurationError, Conflict, InvalidInput, NotFound


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the backup in `folder`. Raises `NotFound`, or `InvalidInput` for one that cannot be read."""
    file = folder / MANIFEST
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no backup in {folder}: it has no {MANIFEST}") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{file} cannot be read ({type(error).__name__})") from error
    if document.get("format") != FORMAT:
        raise ConfigurationError(f"{file} has the format {document.get('format')}; this program reads {FORMAT}")
    return _manifest(document)


def verify(folder: Path, manifest: Manifest) -> int:
    """Compare the SHA-256 of each file; returns how many. Raises `Conflict` for one that is missing or was changed."""
    wanted = {one.file: one.sha256 for one in manifest.files}
    wanted |= {one.file: one.sha256 for one in manifest.databases.values()}
    for name, digest in wanted.items():
        file = folder / name
        if not file.is_file():
            raise Conflict(f"the backup is not whole: {name} is missing")
        if sha256_of(file) != digest:
            raise Conflict(f"the backup was changed: {name} is not what its manifest says")
    return len(wanted)


def _manifest(document: dict[str, Any]) -> Manifest:
    try:
        databases = {name: DumpedDatabase(**one) for name, one in document["databases"].items()}
        files = tuple(SavedFile(**one) for one in document["files"])
        made_at = dt.datetime.fromisoformat(document["made_at"])
        rest = document | {"databases": databases, "files": files, "made_at": made_at}
        return Manifest(**rest | {"left_out": tuple(document["left_out"])})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"the manifest of the backup is not one of ours ({type(error).__name__})") from error
