"""The old centre's MariaDB in its own root."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pymysql  # type: ignore[import-untyped]

from calling_pipeline.days import SHANGHAI, now
from calling_pipeline_tests.support import wait_until
from calling_pipeline_tests.takeover.night import old_world
from calling_pipeline_tests.takeover.night.roots import Machine

NAME = "cco_system"
READER = f"mysql://reader:reading-password@127.0.0.1/{NAME}"
AT_ONCE = 5000


class OldCentre:
    """MariaDB, started and filled; what the old programs do."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        machine.run("install --directory --owner=mysql --group=mysql --mode=0755 /run/mysqld")
        with machine.log.open("ab") as output:
            words = ["chroot", str(machine.root), "/usr/sbin/mariadbd", "--user=mysql", "--bind-address=127.0.0.1"]
            self._process = subprocess.Popen(words, stdout=output, stderr=output, start_new_session=True)
        wait_until(lambda: machine.run("mariadb-admin ping", check=False).returncode == 0, every_s=0.3)
        self._said(
            f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4; CREATE USER writer@'127.0.0.1' IDENTIFIED BY 'writing-password';"
            f" GRANT ALL ON {NAME}.* TO writer@'127.0.0.1'; CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reading-password';"
            f" GRANT SELECT ON {NAME}.* TO reader@'127.0.0.1'"
        )
        self._said((Path(__file__).parent / "old_tables.sql").read_text(encoding="utf-8"), NAME)

    @property
    def version(self) -> str:
        """What the server says it is."""
        return self.one("SELECT version()")

    def fill(self, history: int) -> dict[str, int]:
        """Every table; returns the rows of each."""
        connection = self._connected()
        for name, (given, rows) in old_world.tables(history).items():
            columns = given.split()
            words = ", ".join(f"`{column}`" for column in columns)
            statement = f"INSERT INTO `{name}` ({words}) VALUES ({', '.join(['%s'] * len(columns))})"
            with connection.cursor() as cursor:
                while chunk := list(islice(rows, AT_ONCE)):
                    cursor.executemany(statement, chunk)
        connection.commit()
        connection.close()
        return {name: self.one(f"SELECT count(*) FROM `{name}`") for name in old_world.tables(0)}

    def calls(self, numbers: Sequence[str]) -> None:
        """The old centre calls these numbers now, as its programs note it."""
        at = now().astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)
        connection = self._connected()
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO call_history (mobile_phone, updated_time) VALUES (%s, %s)",
                [(f"+86{number}", at) for number in numbers],
            )
        connection.commit()
        connection.close()

    def folder(self, path: str) -> Path:
        """A folder of this machine's administrator, seen from outside."""
        self._machine.run(f"install --directory --mode=0700 {path}")
        return self._machine.root / path.lstrip("/")

    def load(self, folder: str) -> str:
        """Load what the way back left in this folder, as its document says; returns what it says."""
        return self._machine.run(f"cd {folder} && mariadb --local-infile=1 {NAME} < load.sql").stdout

    def one(self, statement: str) -> Any:
        """One value."""
        connection = self._connected()
        with connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchone()
        connection.close()
        assert found is not None
        return found[0]

    def column(self, statement: str) -> list[Any]:
        """The first column of every row."""
        connection = self._connected()
        with connection.cursor() as cursor:
            cursor.execute(statement)
            found = [row[0] for row in cursor.fetchall()]
        connection.close()
        return found

    def stop(self) -> None:
        """End it in good order."""
        self._machine.run("mariadb-admin shutdown", check=False)
        self._process.wait(60)

    def _said(self, script: str, database: str = "") -> str:
        return self._machine.run(f"mariadb --local-infile=1 {database}", given=script).stdout

    def _connected(self) -> pymysql.Connection:
        return pymysql.connect(
            host="127.0.0.1", user="writer", password="writing-password", database=NAME, charset="utf8mb4"
        )
