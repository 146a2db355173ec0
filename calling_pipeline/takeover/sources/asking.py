"""Where SOURCE comes from: named, in a file, or by the setting. Others see a command line, and a URL may hold a password."""

from __future__ import annotations

from pathlib import Path

from calling_pipeline.errors import InvalidInput
from calling_pipeline.settings import Settings

_LARGEST = 4096
"""Bytes: more is no address."""


def asked_source(named: str | None, file: Path | None, settings: Settings) -> str:
    """The SOURCE that is meant. Raises `InvalidInput` when it is named twice or not at all, or its file cannot be read."""
    if named is not None and file is not None:
        raise InvalidInput("SOURCE is named and --source-file too; give one of them", field="--source-file")
    if file is not None:
        return _first_line(file)
    if named is not None:
        return named
    if settings.takeover_source is None:
        raise InvalidInput(
            "no SOURCE is named: name a SQLite file or a folder, or a file that holds a database URL by --source-file, or"
            " set CALLING_TAKEOVER_SOURCE_FILE"
        )
    return settings.takeover_source.get_secret_value().strip()


def _first_line(file: Path) -> str:
    try:
        with file.expanduser().open("rb") as opened:
            text = opened.read(_LARGEST).decode()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", field="--source-file") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} holds no text, and SOURCE is one line of it", field="--source-file") from None
    line = text.strip().partition("\n")[0].strip()
    if not line:
        raise InvalidInput(f"{file} is empty; its first line is SOURCE", field="--source-file")
    return line
