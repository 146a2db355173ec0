"""What the processes of Dagster need to be started: databases, Dagster's home, and where both are."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from calling_pipeline.access.migrated import after_migration
from calling_pipeline.backups.databases import is_there
from calling_pipeline.call_stats.older_hashes.forward import bring_forward
from calling_pipeline.cli.output import acting_user
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.masking import mask_digits
from calling_pipeline.project import project_folder
from calling_pipeline.runtime import Runtime
from calling_pipeline.setting_files import become
from calling_pipeline.settings import Settings

_INSTANCE = "dagster.yaml"


def of_dagster(runtime: Runtime) -> dict[str, str]:
    """The environment of Dagster's processes beside this one's. Starts the embedded server, lays out Dagster's home."""
    home = runtime.settings.home
    return {
        "CALLING_HOME": str(home),
        "CALLING_DATABASE_URL": runtime.database_url.set(drivername="postgresql").render_as_string(hide_password=False),
        "CALLING_DAGSTER_DATABASE_URL": runtime.dagster_url.render_as_string(hide_password=False),
        "DAGSTER_HOME": str(lay_out(runtime.settings)),
    }


def become_dagsters(runtime: Runtime) -> None:
    """Let this process be one of Dagster's: Dagster, and the settings that its code loads, read the environment anew."""
    become(runtime.settings.child_environment(of_dagster(runtime)))


def bring_up_to_date(runtime: Runtime, say: Callable[[str], None]) -> None:
    """Migrate the database, and what it stores in an older form."""
    before, after = runtime.migrate()
    if before != after:
        say(f"migrated from {before or 'an empty database'} to {after}")
    with runtime.transaction() as connection:
        after_migration(connection, before, after, by=acting_user())
    bring_forward(runtime.engine, runtime.phone_key)


def migrate_dagster(runtime: Runtime) -> str:
    """Bring Dagster's own database to the schema of its version (`dagster instance migrate`); says what was done.

    Raises `ConfigurationError` with what Dagster said when it fails.
    """
    if not is_there(runtime.existing_dagster_url):
        return "Dagster's database is not made yet; its first start makes it"
    command = [sys.executable, "-m", "dagster", "instance", "migrate"]
    environment = runtime.settings.child_environment(of_dagster(runtime))
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        raise ConfigurationError(
            f"`dagster instance migrate` failed: {mask_digits(said[-1])[:300] if said else 'no reason'}"
        )
    return "Dagster's database has the schema of its version"


def lay_out(settings: Settings) -> Path:
    """Dagster's home in CALLING_HOME, with the project's instance file. Raises `ConfigurationError` without one."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{_INSTANCE}.{os.getpid()}.{secrets.token_hex(4)}"
    shutil.copyfile(_instance_file(), draft)
    draft.replace(folder / _INSTANCE)  # whole at every moment: another role may be reading it
    return folder


def _instance_file() -> Path:
    """`dagster.yaml` of the current folder, of the project it lies in, or beside the package in a checkout."""
    folders = [Path.cwd(), project_folder(), Path(__file__).parents[3]]
    for folder in folders:
        if folder is not None and (folder / _INSTANCE).is_file():
            return folder / _INSTANCE
    raise ConfigurationError(f"there is no {_INSTANCE} in {Path.cwd()}; run this in the project's folder")
