"""Freeze new migrations: `python -m calling_pipeline_tests.database.freeze` adds their files to `checksums.txt`.

What is in the list already stays: a merged migration never changes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from calling_pipeline.database import migrate

_FOLDER = Path(migrate.__file__).parent / "migrations"
VERSIONS = _FOLDER / "versions"
_LIST = _FOLDER / "checksums.txt"


def checksum_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def files() -> list[str]:
    """Every file of every migration, relative to `versions`."""
    return sorted(
        file.relative_to(VERSIONS).as_posix()
        for file in VERSIONS.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )


def read() -> dict[str, str]:
    lines = _LIST.read_text(encoding="utf-8").splitlines() if _LIST.exists() else []
    return {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}


CHECKSUMS = read()


def main() -> None:
    known = {name: checksum_of(VERSIONS / name) for name in files()} | CHECKSUMS
    _LIST.write_text("".join(f"{checksum}  {name}\n" for name, checksum in sorted(known.items())), encoding="utf-8")
    print(*(f"frozen: {name}" for name in sorted(known.keys() - CHECKSUMS.keys())), sep="\n")


if __name__ == "__main__":
    main()
