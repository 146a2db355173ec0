"""The machine: Python, disk, memory for PostgreSQL, open files, ports, and who may read what is kept."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from calling_pipeline.cli.doctor.findings import Finding, Level
from calling_pipeline.cli.listening import HOST
from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.ports import PORTS, setting_of
from calling_pipeline.cli.machine.processes import described, identify, listening_on, marked, serves
from calling_pipeline.settings import Settings

LEAST_FREE_GB, FEW_FREE_GB = 1.0, 5.0
LEAST_FILES = 1024
LEAST_SHARED_MB = 64
PYTHON = (3, 11)
SHARED = Path("/dev/shm")
_GB, _MB = 1e9, 1e6


def python() -> list[Finding]:
    """The version this runs under."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return [Finding("python", "wrong", f"Python {version} is too old", "install Python 3.11 or newer")]
    return [Finding("python", "ok", f"Python {version}")]


def disk(home: Path) -> list[Finding]:
    """The space where the data are."""
    folder = next(path for path in (home, *home.parents) if path.exists())
    free_gb = shutil.disk_usage(folder).free / _GB
    said = f"{free_gb:.1f} GB are free where {home} is"
    if free_gb < LEAST_FREE_GB:
        return [Finding("disk", "wrong", said, "make room: PostgreSQL stops when its disk is full")]
    if free_gb < FEW_FREE_GB:
        return [Finding("disk", "warn", said, "make room, or shorten the retention settings")]
    return [Finding("disk", "ok", said)]


def home(settings: Settings) -> list[Finding]:
    """Whether CALLING_HOME is there, can be written, and is closed to other users."""
    folder = settings.home
    if not folder.is_dir():
        return [
            Finding("home", "warn", f"there is no {folder}: {settings.where_home_is()}", "`calling-pipeline up` makes it")
        ]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [Finding("home", "wrong", f"{folder} cannot be written", "give it to this user, for example chown it")]
    open_to_others = [path.name for path in sorted(folder.iterdir()) if _readable_by_others(path)]
    if open_to_others:
        named = ", ".join(open_to_others[:5])
        return [
            Finding(
                "home", "wrong", f"other users can read {named} in {folder}", f"chmod -R go-rwx {folder}/{open_to_others[0]}"
            )
        ]
    return [Finding("home", "ok", f"{folder} can be written, and other users cannot read what is in it")]


def _readable_by_others(path: Path) -> bool:
    """Files and folders that others may open; PostgreSQL keeps its own folder private."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & (stat.S_IROTH | stat.S_IRGRP)) and path.name != "postgres"


def limits() -> Iterator[Finding]:
    """Open files, and shared memory."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        yield Finding(
            "limits", "wrong", f"a process may open {soft} files only", "ulimit -n 4096, or raise it for the service"
        )
    else:
        yield Finding(
            "limits", "ok", f"a process may open {'any number of' if soft == resource.RLIM_INFINITY else soft} files"
        )
    if SHARED.is_dir():
        free_mb = shutil.disk_usage(SHARED).free / _MB
        level: Level = "ok" if free_mb >= LEAST_SHARED_MB else "wrong"
        do = "" if level == "ok" else "give it more (a container: --shm-size=256m); PostgreSQL's parallel queries need it"
        yield Finding("limits", level, f"{free_mb:.0f} MB are free in {SHARED}", do)


def ports(settings: Settings) -> Iterator[Finding]:
    """Each port: free, or held by a role of this installation, begun by its own `up` or as a service."""
    record = records.read(settings.home)
    own = set(record.children.values()) if record is not None else set()
    for name in PORTS:
        port = getattr(settings, f"{name}_port")
        holder = listening_on(port)
        if holder is None:
            yield Finding("ports", "ok", f"{HOST}:{port} is free ({setting_of(name)})")
        elif identify(holder.pid) in own:
            yield Finding("ports", "ok", f"{HOST}:{port} is served by `up` ({name})")
        elif serves(holder, name, settings.home):
            yield Finding("ports", "ok", f"{HOST}:{port} is served by process {holder.pid} ({name})")
        else:
            do = f"end it, or choose another with {setting_of(name)}"
            yield Finding("ports", "wrong", f"{HOST}:{port} is held by {described(holder)}", do)


def leftovers(settings: Settings) -> list[Finding]:
    """Whether an `up` runs here, or left something behind."""
    record = records.read(settings.home)
    if record is None:
        return [Finding("up", "ok", "no `up` runs here, and none left anything")]
    if identify(record.up.pid) == record.up:
        return [Finding("up", "ok", f"`up` runs (process {record.up.pid})")]
    left = marked(record.mark)
    if left:
        return [Finding("up", "wrong", f"an `up` that was killed left {len(left)} processes", "make down")]
    return [Finding("up", "warn", "an `up` was killed; nothing of it runs any more", "`make up` or `make down` tidies up")]


def ledgers(settings: Settings) -> Iterator[Finding]:
    """The contract ledger files."""
    for path in settings.contract_ledgers:
        if not path.is_file():
            yield Finding(
                "ledgers", "wrong", f"there is no file {path}", "correct CALLING_CONTRACT_LEDGERS, or put it there"
            )
        elif not os.access(path, os.R_OK):
            yield Finding("ledgers", "wrong", f"{path} cannot be read", "give this user the right to read it")
        elif not os.access(path, os.W_OK) or not path.stat().st_mode & 0o222 or not os.access(path.parent, os.W_OK):
            yield Finding(
                "ledgers", "wrong", f"{path} cannot be written, so no Y can be set", "make it and its folder writable"
            )
        else:
            yield Finding("ledgers", "ok", f"{path} can be read and written")
