"""This product on a bare Debian, as its operator sees it: commands as root, files in /etc/calling, units."""

from __future__ import annotations

import json
import secrets
import time
from functools import partial
from pathlib import Path
from typing import Any

from calling_pipeline_tests.support import wait_until
from calling_pipeline_tests.takeover.night.journal import Journal
from calling_pipeline_tests.takeover.night.roots import Machine

ROLES = {"code": "calling-code-server", "daemon": "calling-daemon", "ui": "calling-ui", "api": "calling-api"}
LEDGERS = "/var/lib/calling-ledgers"
SIMULATOR = "http://127.0.0.1:8900"
VENDORS = {"GUANKE_BASE_URL": "guanke", "GATEWAY_URL": "gateway", "WECOM_BASE_URL": "wecom", "METABASE_URL": "metabase"}
SHOWN = 14
READY_S = 300


class Centre:
    """One machine with PostgreSQL and every role."""

    def __init__(self, machine: Machine, journal: Journal) -> None:
        self.machine, self.journal = machine, journal
        self.token = secrets.token_urlsafe(24)
        self.answer = ""
        """What the last health check said."""

    def found(self, *, with_key: bool) -> None:
        """Databases, secrets and settings: the rest of `docs/deployment.md`, systemd, steps 1 and 3."""
        run, password = self.machine.run, secrets.token_hex(16)
        self.machine.postgres("start")
        role = f"CREATE ROLE calling LOGIN CREATEDB PASSWORD '{password}'"
        for statement in (role, "CREATE DATABASE calling OWNER calling", "CREATE DATABASE dagster OWNER calling"):
            self.psql(statement, "postgres")
        run("install --directory --mode=0700 /etc/calling/secrets")
        for name in ("calling", "dagster"):
            file = "database_url" if name == "calling" else "dagster_database_url"
            self.secret(file, f"postgresql://calling:{password}@127.0.0.1:5432/{name}")
        self.secret("api_tokens", json.dumps({self.token: {"role": "admin", "name": "admin"}}))
        self.secret("backup_passphrase", "a passphrase of the night")
        if with_key:
            self.secret("secret_key", secrets.token_hex(32))
        run(f"install --directory --owner=calling --group=calling --mode=0700 {LEDGERS}")
        self.setting("CONTRACT_LEDGERS", json.dumps([f"{LEDGERS}/contracts-{city}-2026-11.csv" for city in ("bj", "sh")]))
        self.setting("WECOM_ROBOTS", json.dumps({"北京": "key-bj", "上海": "key-sh"}, ensure_ascii=False))
        self.setting("WECOM_USERS", json.dumps({"北京": "boss-bj", "上海": "boss-sh"}, ensure_ascii=False))
        for name, path in VENDORS.items():
            self.setting(name, f"{SIMULATOR}/{path}")
        self.setting("GATEWAY_EVENT_CODE", "event")
        self.setting("GATEWAY_TARGET_OBJ_ID", "target")

    def secret(self, name: str, value: str) -> None:
        """A file of /etc/calling/secrets."""
        self.machine.write(f"/etc/calling/secrets/{name}", f"{value}\n", mode=0o600)

    def setting(self, name: str, value: str) -> None:
        """A line of /etc/calling/environment, in the place of one of the same name."""
        path = self.machine.root / "etc/calling/environment"
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(f"CALLING_{name}=")]
        path.write_text("\n".join([*kept, f"CALLING_{name}={value}", ""]), encoding="utf-8")

    def operator(self, line: str, *, fails: bool = False) -> str:
        """A command as the operator types it, noted with what it took and said; it must end as expected."""
        begin = time.monotonic()
        done = self.machine.run(f"COLUMNS=150 calling-pipeline {line}", check=False)
        said = f"{done.stdout}{done.stderr}".strip()
        shown = [line.replace("  ", "") for line in said.splitlines() if not line.startswith("│ ok ")]
        if len(shown) > SHOWN:
            shown = [*shown[: SHOWN - 1], f"… {len(said.splitlines()) - SHOWN + 1} more lines"]
        took = time.monotonic() - begin
        self.journal.say("\n".join([f"$ calling-pipeline {line}   [{took:.1f} s, exit {done.returncode}]", *shown]))
        assert (done.returncode != 0) == fails, said[-4000:]
        return said

    def asked(self, line: str) -> Any:
        """The JSON answer of a command; it is not noted."""
        return json.loads(self.machine.run(f"calling-pipeline {line} --json").stdout)

    def start(self) -> None:
        """`systemctl enable --now calling-pipeline.target`, and wait until every role is ready."""
        self.machine.start("calling-migrate")
        for unit in ROLES.values():
            self.machine.start(unit)
        for role, unit in ROLES.items():
            wait_until(partial(self._ready, role), limit_s=READY_S, every_s=0.5)
            self.journal.say(f"{unit} is ready")

    def stop(self) -> None:
        """`systemctl stop calling-pipeline.target`."""
        for unit in ("calling-api", "calling-ui", "calling-daemon", "calling-code-server"):
            self.machine.stop(unit)

    def ready(self, role: str) -> bool:
        """Whether the role's health check is content."""
        done = self.machine.run(f"calling-pipeline health {ROLE_PORTS[role]}", check=False)
        self.answer = done.stdout + done.stderr
        return done.returncode == 0

    def _ready(self, role: str) -> bool:
        process = self.machine.units[ROLES[role]]
        assert process.poll() is None, f"{role} has ended\n{self.machine.log.read_text(errors='replace')[-3000:]}"
        return self.ready(role)

    def psql(self, statement: str, database: str = "calling") -> str:
        """What psql says, without a frame."""
        return self.machine.run(f"su postgres -c 'psql -qAtX {database}'", given=statement).stdout.strip()

    def folder(self, path: str) -> Path:
        """A folder of the operator's that the product's account may write, seen from outside."""
        self.machine.run(f"install --directory --owner=calling --group=calling --mode=0700 {path}")
        return self.machine.root / path.lstrip("/")


ROLE_PORTS = {"code": "code-server --port 4266", "daemon": "daemon", "ui": "ui --port 3000", "api": "api --port 8000"}
