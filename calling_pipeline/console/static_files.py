"""The console's own files: stylesheet, scripts and pictures, served under addresses that change with their contents."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".LICENSE": "text/plain"}


@dataclass(frozen=True)
class StaticFile:
    """One file with its compressed form."""

    name: str
    media_type: str
    digest: str
    content: bytes
    compressed: bytes


class StaticFiles:
    """The files by name."""

    def __init__(self, found: Mapping[str, StaticFile]) -> None:
        self._found = found

    def address(self, name: str) -> str:
        """Where the file is served; raises `KeyError` for one that does not exist."""
        return f"/static/{self._found[name].digest[:12]}/{name}"

    def get(self, name: str) -> StaticFile | None:
        """The file; None when there is none."""
        return self._found.get(name)


@lru_cache(maxsize=1)
def static_files() -> StaticFiles:
    """The files of this package, read once."""
    found = {}
    for path in files(__package__).joinpath("static").iterdir():
        suffix = "." + path.name.rpartition(".")[2]
        if suffix in _TYPES:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            compressed = gzip.compress(content, 9, mtime=0)
            found[path.name] = StaticFile(path.name, _TYPES[suffix], digest, content, compressed)
    return StaticFiles(found)
