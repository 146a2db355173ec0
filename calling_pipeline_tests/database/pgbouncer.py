"""A real PgBouncer from Debian, unpacked once into `~/.cache/calling-pipeline-tests`; nothing is installed."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from calling_pipeline_tests.running_up import free_port
from calling_pipeline_tests.support import LIMIT_S, start_process, wait_until

PACKAGES = ("pgbouncer", "libc-ares2", "libevent-2.1-7")
_CACHE = Path("~/.cache/calling-pipeline-tests/pgbouncer").expanduser()


@functools.cache
def unpacked() -> Path:
    """The folder of the unpacked packages; the test is skipped where Debian's are not to be had."""
    root = _CACHE / "root"
    if not (root / "usr/sbin/pgbouncer").exists():
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            pytest.skip("there is no apt-get")
        _CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False, timeout=LIMIT_S, capture_output=True)
        got = subprocess.run(["apt-get", "download", "-qq", *PACKAGES], check=False, cwd=_CACHE, timeout=LIMIT_S)
        if got.returncode:
            pytest.skip("Debian's packages cannot be fetched")
        for package in _CACHE.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, root], check=True, timeout=LIMIT_S)
    return root


@contextmanager
def pgbouncer(server: sa.URL, folder: Path, mode: str, **settings: str) -> Iterator[sa.URL]:
    """PgBouncer before the server of `server` in this mode; its URL for the same database."""
    root = unpacked()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    host = server.host or str(server.query.get("host", ""))
    target = f"host={host} port={server.port or 5432} user={server.username}"
    if server.password:
        target += f" password={server.password}"
    given = {"listen_addr": "127.0.0.1", "listen_port": str(port), "auth_type": "any", "pool_mode": mode,
             "unix_socket_dir": "", "default_pool_size": "4", "logfile": str(folder / "log"), **settings}  # fmt: skip
    lines = [f"{name} = {value}" for name, value in given.items()]
    text = "\n".join(["[databases]", f"* = {target}", "[pgbouncer]", *lines]) + "\n"
    (folder / "pgbouncer.ini").write_text(text)
    command: list[str] = [str(root / "usr/sbin/pgbouncer"), str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        for one in (folder, *list(folder.parents)[:3]):
            one.chmod(one.stat().st_mode | 0o055)
        folder.chmod(0o777)
        command[1:1] = ["-u", Path(host).owner() if host.startswith("/") else "nobody"]
    library = next((root / "usr/lib").glob("*-linux-gnu"))
    process = start_process(command, env={**os.environ, "LD_LIBRARY_PATH": str(library)}, stderr=subprocess.PIPE)
    url = server.set(host="127.0.0.1", port=port, query={})
    try:
        wait_until(lambda: _answers(url))
        yield url
    finally:
        process.terminate()
        process.wait(LIMIT_S)
        process.stderr.close()


def _answers(url: sa.URL) -> bool:
    try:
        psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
