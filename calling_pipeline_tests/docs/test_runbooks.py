"""Every kind of alert has a runbook in both languages, which names only what is there."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from calling_pipeline.addresses import RUNBOOKS, of_runbook
from calling_pipeline.alerts.texts import KINDS
from calling_pipeline.console.app import ROUTERS
from calling_pipeline.errors import NotFound
from calling_pipeline.runbooks import reading
from calling_pipeline.settings import PREFIX, Settings
from calling_pipeline_tests.docs.commands import commands_of, why_wrong
from calling_pipeline_tests.house.source import ROOT

FOLDERS = {"en": ROOT / "docs/runbooks", "zh": ROOT / "docs/runbooks/zh"}
HEADINGS = {
    "en": ["What it means", "What to look at", "What to do", "What not to do"],
    "zh": ["是什么意思", "先看什么", "怎么处理", "不要做什么"],
}
PAGES = [(language, path) for language, folder in FOLDERS.items() for path in sorted(folder.glob("[a-z]*.md"))]
_CODE = re.compile(r"`([^`\n]+)`")
_FOLDER = re.compile(r"\.calling/|docs/")


def routes() -> list[re.Pattern[str]]:
    paths = {
        str(route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    }
    return [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + r"(\?.*)?") for path in paths]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_alert_has_a_runbook_and_there_is_no_other(language):
    assert {path.stem for lang, path in PAGES if lang == language} == set(KINDS)
    assert all(reading.markdown_of(kind, language).startswith("# ") for kind in KINDS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_index_leads_to_each(language):
    index = (FOLDERS[language] / "README.md").read_text(encoding="utf-8")
    titles = {path.stem: path.read_text(encoding="utf-8").splitlines()[0][2:] for lang, path in PAGES if lang == language}
    assert [kind for kind, title in titles.items() if f"- [{title}]({kind}.md)" not in index] == []


@pytest.mark.parametrize(("language", "path"), PAGES, ids=lambda part: part.stem if isinstance(part, Path) else part)
def test_a_runbook_has_its_four_parts_and_names_only_what_there_is(language, path):
    text = path.read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[1::2] == HEADINGS[language]
    assert all(len(part.strip()) > 12 for part in parts[2::2])
    found = list(commands_of(text, path.name))
    assert [f"{one.text}: {why}" for one in found if (why := why_wrong(one))] == []
    assert found, "it names no command"
    names = [code for code in _CODE.findall(text) if not _FOLDER.match(code)]
    known = routes()
    addresses = [name for name in names if name.startswith("/")]
    assert [name for name in addresses if not any(route.fullmatch(name) for route in known)] == []
    settings = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", text))
    assert settings - {PREFIX + name.upper() for name in Settings.model_fields} == set()
    assert [line for line in text.splitlines() if len(line) > 240] == []


def test_a_runbook_that_names_what_is_not_there_is_found():
    text = "```sh\ncalling-pipeline stats repair 3\n```\n`calling-pipeline calls resume ID --force` `make everything`"
    assert [why_wrong(one) for one in commands_of(text)] == [
        "there is no command 'repair'",
        "No such option '--force'.",
        "the Makefile has no target everything",
    ]
    assert not any(route.fullmatch("/telephony/repair/now") for route in routes())


@pytest.mark.parametrize("kind", ["nothing", "../check", "README", "check.md"])
def test_what_is_no_kind_has_no_runbook(kind):
    with pytest.raises(NotFound, match="there is no runbook"):
        reading.markdown_of(kind, "en")


def test_the_address_of_a_runbook_is_a_page():
    assert any(route.fullmatch(of_runbook("held")) for route in routes())
    assert any(route.fullmatch(RUNBOOKS) for route in routes())
