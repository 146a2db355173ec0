"""The README says what is true: every setting, every command, every folder."""

import re
from pathlib import Path

from calling_pipeline.cli.main import HEAVY, LIGHT
from calling_pipeline.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_in_the_table_and_no_other():
    listed = set(re.findall(r"^\| `(CALLING_[A-Z_]+)`", README, re.MULTILINE))
    assert listed == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_command_is_shown():
    assert [name for name in {*LIGHT, *HEAVY} if f"calling-pipeline {name}" not in README] == []


def test_every_folder_has_its_line():
    package = ROOT / "calling_pipeline"
    folders = [folder.name for folder in package.iterdir() if (folder / "__init__.py").exists()]
    assert [name for name in folders if f"`{name}/`" not in README] == []
