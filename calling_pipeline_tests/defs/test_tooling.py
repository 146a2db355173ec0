"""Dagster's own commands in a fresh clone: no database, no environment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def fresh_clone(folder, *command, **more):
    """Run a command in a folder with the top-level files, and nothing set."""
    for name in ("dagster.yaml", "workspace.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLING_", "DAGSTER_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), **more}
    script, *words = command
    return subprocess.run(
        [Path(sys.executable).with_name(script), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_definitions_are_validated_without_a_database_and_without_an_environment(tmp_path):
    done = fresh_clone(tmp_path, "dagster", "definitions", "validate")
    assert done.returncode == 0, done.stderr
    assert "All code locations passed validation" in done.stdout + done.stderr
    assert not (tmp_path / ".calling").exists(), "validating started a server or wrote a key"


def test_the_assets_are_listed_without_a_database(tmp_path):
    done = fresh_clone(tmp_path, "dagster", "asset", "list", "-m", "calling_pipeline.definitions")
    assert done.returncode == 0, done.stderr
    assert "grade_stats_cache" in done.stdout


def test_what_needs_the_database_says_how_to_get_one(tmp_path):
    done = fresh_clone(tmp_path, "dagster", "run", "list", DAGSTER_HOME=str(tmp_path))
    assert done.returncode != 0
    assert "CALLING_DAGSTER_DATABASE_URL is not set" in done.stderr


def test_dg_checks_the_definitions_without_a_database(tmp_path):
    """Its own way in, since it looks for the package in the project's folder."""
    (tmp_path / "calling_pipeline").symlink_to(ROOT / "calling_pipeline")
    (tmp_path / "of_the_user.toml").write_text("[cli.telemetry]\nenabled = false\n")
    done = fresh_clone(tmp_path, "dg", "check", "defs", DG_CLI_CONFIG=str(tmp_path / "of_the_user.toml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout + done.stderr
    assert not (tmp_path / ".calling").exists(), "checking started a server or wrote a key"
