"""What stands at the root of the repository agrees with itself."""

import re
import subprocess
import tomllib

import pytest

from calling_pipeline import __version__
from calling_pipeline_tests.house.source import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+) \\$", re.MULTILINE)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _commands(target: str) -> list[str]:
    lines = MAKEFILE[MAKEFILE.index(f"\n{target}:") + 1 :].splitlines()[1:]
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in lines[: lines.index("")]]


def test_every_target_is_in_the_help():
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    shown = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in shown.splitlines()] == targets
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert phony.group(1).split() == targets


def test_the_hooks_before_a_commit_are_the_checks():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    *style, others = _commands("check")
    checks = [*style, *(command for name in re.findall(r"check-[a-z]+", others) for command in _commands(name))]
    assert len(checks) == 6
    assert sorted(re.findall(r"entry: (.*)", hooks)) == sorted(checks)


def test_every_pin_has_hashes_and_names_no_host():
    pins = PIN.findall(LOCK)
    assert len(pins) > 100
    entries = [entry for entry in re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE) if entry and not entry.startswith("#")]
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in LOCK
    assert "--index-url" not in LOCK


def test_everything_the_project_asks_for_is_pinned():
    pinned = {_canonical(name) for name, _ in PIN.findall(LOCK)}
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"], "setuptools"]
    assert [name for name in asked if _canonical(re.split(r"[\[<>=~!]", name)[0]) not in pinned] == []


def test_the_changelog_begins_with_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE)
    assert released[0][0] == __version__


@pytest.mark.parametrize(
    "name", ["LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", ".editorconfig", "docs/architecture.md", "docs/glossary.md"]
)
def test_what_people_look_for_first_is_there(name):
    assert (ROOT / name).stat().st_size > 100


def test_only_the_settings_read_the_environment_of_this_process():
    readers = {"settings.py", "setting_files.py", "defs/instance/daemon.py"}  # the last sets what Dagster's modules read
    package = ROOT / "calling_pipeline"
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"\bos\.(environ|getenv|putenv)\b", path.read_text(encoding="utf-8"))
    }
    assert found <= readers, "ask `settings.py` for it, or `setting_files.py` for names and children's environments"
