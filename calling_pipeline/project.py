"""Where the project lies, for commands that are run somewhere in it."""

from __future__ import annotations

from pathlib import Path

HOME = ".calling"
"""What CALLING_HOME is called when it is not set."""


def project_folder() -> Path | None:
    """The folder of the project in which a command is run; None outside.

    The current folder or one above it that holds `dagster.yaml` beside `.calling` or the project's own `pyproject.toml`.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dagster.yaml").is_file() and ((folder / HOME).is_dir() or _is_ours(folder / "pyproject.toml")):
            return folder
    return None


def in_the_project(path: Path) -> Path:
    """A relative path counts from the project's folder, wherever in it a command is run; outside, from the current one."""
    return (project_folder() or Path.cwd()) / path.expanduser()


def _is_ours(pyproject: Path) -> bool:
    try:
        return 'name = "calling-pipeline"' in pyproject.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
