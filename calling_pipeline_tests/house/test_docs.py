"""Every path that README, CONTRIBUTING and the docs name exists."""

import re

import pytest

from calling_pipeline_tests.house.source import PACKAGE, ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(
    r"(calling_pipeline|calling_pipeline_tests|docs|deploy)/[\w./-]*|[\w.-]+\.(md|toml|yaml|lock)|\.[\w-]+\.(yaml|example)"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    named = {code for code in _CODE.findall(text) if _PATH.fullmatch(code)}
    linked = {link for link in _LINK.findall(text) if "://" not in link}
    missing = {name for name in named if not (ROOT / name).exists()} | {
        link for link in linked if not (page.parent / link).exists()
    }
    assert missing == set()


def test_the_folder_table_of_the_readme_names_what_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| folder |") :].split("\n\n")[0]
    rows = [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in table.splitlines()[2:]]
    names = [name.removeprefix(f"{PACKAGE}/") for row in rows for name in row]
    assert [name for name in names if not (ROOT / PACKAGE / name).exists()] == []


def test_every_decision_is_listed():
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (ROOT / "docs/adr").glob("0*.md")]
    assert [name for name in pages if f"({name})" not in index] == []
