"""Where the project lies, for commands that are run somewhere in it, and what is generated once and kept."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from calling_pipeline.errors import ConfigurationError

HOME = ".calling"
"""What CALLING_HOME is called when it is not set."""


def project_folder() -> Path | None:
    """The folder of the project in which a command is run; None outside.

    The current folder or one above it that holds `dagster.yaml` beside `.calling` or the project's own `pyproject.toml`. A
    folder that may not be read, such as /root for the account of the services, is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if os.path.isfile(folder / "dagster.yaml") and (os.path.isdir(folder / HOME) or _is_ours(folder / "pyproject.toml")):
            return folder
    return None


def environment_file() -> Path | None:
    """The `.env` of the project's folder, outside of it that of the current one; None where there is none to read."""
    path = (project_folder() or Path.cwd()) / ".env"
    return path if os.path.isfile(path) else None


def in_the_project(path: Path) -> Path:
    """A relative path counts from the project's folder, wherever in it a command is run; outside, from the current one."""
    return (project_folder() or Path.cwd()) / path.expanduser()


def where_home_is(home: Path, *, named: bool) -> str:
    """Why `home` is where it is, and how another is chosen: the middle of a sentence. `named`: by the setting."""
    if named:
        return f"CALLING_HOME is {home}"
    if project_folder() is not None:
        return f"the project's folder is {home.parent}"
    return f"{Path.cwd()} is not in the project's folder; go there, or set CALLING_HOME"


def _is_ours(pyproject: Path) -> bool:
    try:
        return 'name = "calling-pipeline"' in pyproject.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def kept_text(path: Path, make: Callable[[], str]) -> str:
    """The text in `path`, made once (mode 0600). Two processes that race end with the same one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            draft.touch(mode=0o600)
            draft.write_text(make())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"cannot keep a generated value in {path}: {error.strerror}; set CALLING_HOME to a writable folder"
        ) from error
