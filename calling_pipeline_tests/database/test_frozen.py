"""A merged migration never changes, and says how to go back and whether the version before still runs."""

import hashlib
from pathlib import Path

import pytest

from calling_pipeline_tests.database.freeze import CHECKSUMS, VERSIONS, checksum_of, files
from calling_pipeline_tests.database.scripts import scripts

SCRIPTS = list(scripts().walk_revisions())


def test_no_frozen_file_was_changed_or_removed():
    for name, checksum in CHECKSUMS.items():
        file = VERSIONS / name
        assert file.exists(), f"{name} is part of a merged migration and was removed"
        assert checksum_of(file) == checksum, f"{name} is part of a merged migration: write a new migration instead"


def test_every_file_of_a_migration_is_frozen():
    missing = [name for name in files() if name not in CHECKSUMS]
    assert missing == [], "run `python -m calling_pipeline_tests.database.freeze` when the migration is complete"


def test_a_changed_file_is_noticed(tmp_path):
    changed = tmp_path / "file.sql"
    changed.write_bytes((VERSIONS / "0011_allocate_extension.py").read_bytes() + b"\n")
    assert checksum_of(changed) not in CHECKSUMS.values()
    assert len(checksum_of(changed)) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.revision)
def test_a_migration_says_whether_the_version_before_runs_and_how_to_go_back(script):
    module = script.module
    assert module.PREVIOUS_VERSION_RUNS in (True, False)
    assert len(module.REASON) > 20, "one sentence for the operator who upgrades"
    assert callable(module.downgrade)
    assert Path(module.__file__).stem == script.revision


def test_migrations_are_one_line_in_the_order_of_their_numbers():
    names = [script.revision for script in reversed(SCRIPTS)]
    assert names == sorted(names)
    assert [script.down_revision for script in reversed(SCRIPTS)] == [None, *names[:-1]]
