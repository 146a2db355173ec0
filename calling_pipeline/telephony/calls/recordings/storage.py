"""Where recordings are kept: a folder. Another store (of objects, say) is a class with the same four methods."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from calling_pipeline.errors import NotFound

_PART = ".part"
_ABANDONED_S = 86_400.0


class RecordingStore(Protocol):
    """Keeps files by name. A name that was published holds the whole file."""

    def writing(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A file that is published under `name` when the block ends well, and is nowhere when it does not."""

    def open(self, name: str) -> BinaryIO:
        """The published file. Raises `NotFound`."""

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is deleted already."""

    def clear(self) -> int:
        """Delete what ended processes left half written; how many."""


class Folder:
    """Files below a folder that nobody but this user may read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Written aside, kept on the disk, then moved to its name in one step."""
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}{_PART}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            _keep_names(path.parent)
        finally:
            part.unlink(missing_ok=True)

    def open(self, name: str) -> BinaryIO:
        """The published file. Raises `NotFound`."""
        try:
            return self._path(name).open("rb")
        except FileNotFoundError as error:
            raise NotFound("the recording's file is not where it was kept; look at CALLING_RECORDINGS_DIR") from error

    def delete(self, name: str) -> None:
        """Delete a file."""
        self._path(name).unlink(missing_ok=True)

    def clear(self) -> int:
        """Delete what was half written a day ago or earlier."""
        before = time.time() - _ABANDONED_S
        left = [path for path in self._root.rglob(f"*{_PART}") if path.stat().st_mtime < before]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, name: str) -> Path:
        path = self._root / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise NotFound("there is no such recording")
        return path


def _keep_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
