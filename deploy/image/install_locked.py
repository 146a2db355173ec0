"""Installs what the project needs at run time: `python install_locked.py [--extra NAME] [--without PACKAGE]`.

With `--only PACKAGE --target FOLDER` that package alone is laid into the folder, as the lock pins it.

`requirements.lock` pins development too. Here only what `pyproject.toml` asks for is installed, and what that asks for in
turn, as the lock pins it; pip checks every file against its hash. A package that the lock does not pin ends the build.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)


def canonical(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: str) -> dict[str, str]:
    """Package → its entry in the lock, hashes included."""
    found = {}
    for entry in _ENTRY.split(lock):
        if entry.strip() and not entry.startswith("#"):
            found[canonical(re.split(r"[\[=; ]", entry, maxsplit=1)[0])] = entry
    return found


def wanted(requirements: Iterable[str], extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """The requirements that apply here."""
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def needs(project: Path, extras: Iterable[str]) -> list[Requirement]:
    """What the project itself asks for, and its build; `KeyError` for an extra that it has not."""
    stated = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    optional = stated.get("optional-dependencies", {})
    texts = [*stated["dependencies"], *(text for extra in extras for text in optional[extra]), "setuptools"]
    return list(wanted(texts))


def install(chosen: Iterable[str], *more: str) -> None:
    """Install these entries of the lock, and nothing that they ask for; `more` are further words for pip."""
    with tempfile.NamedTemporaryFile("w", suffix=".lock", encoding="utf-8") as file:
        file.write("".join(chosen))
        file.flush()
        pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--require-hashes", *more]
        subprocess.run([*pip, "--no-cache-dir", "--disable-pip-version-check", "--quiet", "-r", file.name], check=True)


def main() -> None:
    """Install round after round, until everything that was installed has what it asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--without", action="append", default=[], help="not needed there, though it is asked for")
    parser.add_argument("--only", help="this package alone, into --target")
    parser.add_argument("--target")
    given = parser.parse_args()
    here = Path(__file__).resolve().parent
    lock = entries((here / "requirements.lock").read_text(encoding="utf-8"))
    if given.only:
        install([lock[canonical(given.only)]], "--target", given.target)
        return
    left_out = {canonical(name) for name in given.without}
    done: set[tuple[str, str]] = set()
    installed: set[str] = set()
    open_ones = needs(here / "pyproject.toml", given.extra)
    while open_ones:
        names = {canonical(one.name) for one in open_ones} - left_out - installed
        install(lock[name] for name in sorted(names))
        installed |= names
        following = []
        for one in open_ones:
            name = canonical(one.name)
            for extra in {"", *one.extras} if name not in left_out else ():
                if (name, extra) not in done:
                    done.add((name, extra))
                    following += wanted(metadata.requires(one.name) or [], {extra})
        open_ones = following
    sys.stdout.write(f"{len(installed)} packages of {len(lock)} in the lock are installed; left out: {sorted(left_out)}\n")


if __name__ == "__main__":
    main()
