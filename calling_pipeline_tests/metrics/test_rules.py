"""Alert rules and dashboard name only what is served, lead to runbooks that exist, and parse."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from calling_pipeline.metrics.exposition import text_of
from calling_pipeline.metrics.scraping import Scraper
from calling_pipeline_tests.metrics.families import every_family, served_name
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "calling_pipeline.json"
EVERYWHERE = {"job", "instance", "centre"}
_LABEL = re.compile(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions():
    of_panels = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
    return [*((rule["alert"], rule["expr"]) for rule in rules()), *of_panels]


def served():
    """What an expression may name → the labels it has."""
    names = {}
    for family in every_family():
        more = [f"{family.name}_{end}" for end in ("bucket", "sum", "count")] if family.kind == "histogram" else []
        names |= {name: {*family.labels, "le", *EVERYWHERE} for name in [served_name(family), *more]}
    return names


def test_every_expression_names_what_is_served_with_labels_that_it_has():
    known = served()
    for title, expression in expressions():
        named = set(re.findall(r"\bcalling_\w+(?![\w\"])", expression)) - {"calling_pipeline"}
        assert named <= set(known), title
        grouped = (label.strip() for group in _GROUPED.findall(expression) for label in group.split(","))
        labels = {*_LABEL.findall(expression), *grouped} - {""}
        assert labels <= EVERYWHERE.union(*(known[name] for name in named)), title


def test_each_centre_is_judged_and_drawn_alone():
    for title, expression in expressions():
        assert re.findall(r"\b(?:sum|max|min|avg|count)\s*\(", expression) == [], title
        groups = [{label.strip() for label in group.split(",")} for group in _GROUPED.findall(expression)]
        assert all("centre" in group for group in groups), title
    for title, expression in expressions()[len(rules()) :]:
        assert expression.count('centre=~"$centre"') == len(re.findall(r"\bcalling_\w+", expression)), title
    for rule in rules():
        assert "$labels.centre" in rule["annotations"]["summary"] or rule["expr"].startswith("up{"), rule["alert"]
    variable = next(one for one in json.loads(DASHBOARD.read_text())["templating"]["list"] if one["name"] == "centre")
    assert (variable["query"]["query"], variable["allValue"]) == ("label_values(calling_build_info, centre)", ".*")


def test_every_rule_has_a_severity_a_summary_and_a_runbook_that_exists():
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        kind = rule["annotations"]["runbook_url"].removeprefix("/runbooks/")
        assert (ROOT / "docs" / "runbooks" / f"{kind}.md").is_file(), rule["alert"]


def test_every_panel_has_a_title_of_its_own_and_a_unit():
    titles = [panel["title"] for panel in panels()]
    assert len(titles) == len(set(titles))
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels())


def test_everything_that_is_served_stands_on_the_dashboard():
    shown = json.dumps(panels())
    families = [one for one in every_family() if not re.search(rf"\b{one.name}(_total|_bucket)?\b", shown)]
    assert [one.name for one in families] == ["calling_heartbeats"]


@pytest.mark.skipif(not NIGHTLY, reason="promtool is downloaded; the short form checks the names")
def test_promtool_finds_no_fault(runtime, tmp_path):
    promtool = shutil.which("promtool") or downloaded(tmp_path)

    def run(*arguments, given=""):
        command = [promtool, *arguments]
        ended = subprocess.run(command, input=given, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr

    run("check", "rules", str(RULES))
    of_panels = [{"record": f"panel_{number}", "expr": expression} for number, (_, expression) in enumerate(expressions())]
    panels_file = tmp_path / "panels.yaml"
    panels_file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": of_panels}]}))
    run("check", "rules", "--lint=none", str(panels_file))
    with runtime.transaction():
        scraper = Scraper(runtime)
    run("check", "metrics", given=text_of(scraper.samples(), "")[0].decode())
    scraper.close()


def downloaded(folder):
    """From Debian's own package, unpacked beside the test."""
    subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, check=True, timeout=LIMIT_S, capture_output=True)
    (package,) = folder.glob("prometheus_*.deb")
    subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True, timeout=LIMIT_S)
    return str(folder / "usr" / "bin" / "promtool")
