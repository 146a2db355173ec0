"""The pages of analyses: the same numbers as API and command line, each table sorted and exported, nobody's room entered."""

import csv
import datetime as dt
import io
import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline.access.audit import store as audit
from calling_pipeline.call_stats.daily_counts.tables import daily_agents, daily_provinces
from calling_pipeline.cli.analysis import analysis as command
from calling_pipeline.cli.output import Door
from calling_pipeline_tests.support import yesterday

PROBES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "=cmd()")


def three_days():
    """The days of `world`, as an address and an API name them."""
    return {"from": str(yesterday() - dt.timedelta(days=2)), "to": str(yesterday())}


@pytest.fixture
def viewer(as_role):
    return as_role("viewer")


@pytest.fixture
def filled(console, sync):
    """Two days that were read, and agents and provinces whose names attack."""
    sync("grade", yesterday(), yesterday() - dt.timedelta(days=1))
    sync("task", yesterday())
    counts = {"date": yesterday(), "calls": 1, "connected": 1, "talk_s": 1, "grade_9": 0, "grade_1": 0, "orders": 0}
    with console.runtime.transaction() as connection:
        for probe in PROBES:
            connection.execute(sa.insert(daily_agents).values(agent_id=probe, **counts))
            connection.execute(sa.insert(daily_provinces).values(province=probe, **counts))
    return console


def exported(client, address, **query):
    answer = client.get(address, params={**query, "form": "csv"})
    answer.raise_for_status()
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


NAMES = ("trend", "agents", "hours", "weekday_hours", "provinces", "tasks", "funnel", "vendor_speed")


def test_page_api_and_command_line_answer_the_same(filled, viewer):
    door = Door()
    door.__dict__["runtime"] = filled.runtime
    for name in NAMES:
        api = viewer.get(f"/api/v1/analysis/{name}", params=three_days()).raise_for_status().json()["data"]
        words = [name, "--from", three_days()["from"], "--to", three_days()["to"], "--json"]
        done = CliRunner().invoke(command, words, obj=door, catch_exceptions=False)
        assert json.loads(done.stdout) == api
        page = viewer.get(f"/analysis/{name}", params=three_days()).raise_for_status()
        assert f'data-testid="figure-{next(iter(api["figures"]))}"' in page.text
        for table, found in api["tables"].items():
            rows = exported(viewer, f"/analysis/{name}", **three_days(), table=table)
            assert len(rows) == len(found["rows"]) + 1, table
            for line, row in zip(rows[1:], found["rows"], strict=True):
                for text, (column, value) in zip(line, row.items(), strict=True):
                    if isinstance(value, int | float) and column != "weekday":
                        assert float(text) == pytest.approx(value), (table, column)


def test_the_command_shows_tables_and_writes_one_as_csv(filled, tmp_path):
    door = Door()
    door.__dict__["runtime"] = filled.runtime
    words = ["agents", "--from", three_days()["from"], "--to", three_days()["to"], "--by", "week"]
    shown = CliRunner().invoke(command, words, obj=door, catch_exceptions=False)
    assert shown.exit_code == 0
    assert "Sums are over the 2 of 3 days" in shown.stdout
    assert "Account" in shown.stdout
    file = tmp_path / "agents.csv"
    CliRunner().invoke(command, [*words, "--csv", str(file)], obj=door, catch_exceptions=False)
    text = file.read_text("utf-8-sig")
    assert text.startswith("From,Rank (orders),Agent")
    assert "'=cmd()" in text


def test_texts_from_outside_are_shown_as_text_and_are_no_formula(filled, viewer):
    for name in ("agents", "provinces"):
        page = viewer.get(f"/analysis/{name}", params={**three_days(), "per": "500"}).text
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page
        assert "{{7*7}}" in page
        cells = {cell for line in exported(viewer, f"/analysis/{name}", **three_days()) for cell in line}
        assert "'=cmd()" in cells
        assert "=cmd()" not in cells


def test_a_table_is_sorted_paged_and_exported_by_its_own_address(filled, viewer, console):
    rows = exported(viewer, "/analysis/hours", **three_days(), sort="-calls")
    calls = [float(row[1]) for row in rows[1:]]
    assert calls == sorted(calls, reverse=True)
    page = viewer.get(
        "/analysis/agents", params={**three_days(), "sort": "-order_rate", "per": "2", "page": "2"}
    ).raise_for_status()
    assert 'data-testid="agents-agents-next"' in page.text
    assert "sort=-order_rate" in page.text
    sheet = viewer.get("/analysis/hours", params={**three_days(), "form": "xlsx", "table": "hours"}).raise_for_status()
    assert sheet.content.startswith(b"PK")
    with console.runtime.transaction() as connection:
        noted, _ = audit.entries(connection, act="list.export", limit=10, offset=0)
    assert {one.subject for one in noted} == {"list:hours-hours"}


REFUSED = (
    ("/analysis/nothing", 404, "there is no analysis"),
    ("/analysis/trend?from=2999-01-01&to=2999-01-02", 422, "outside the days"),
    ("/analysis/trend?from=yesterday&to=nonsense", 422, "not a date"),
    ("/analysis/agents?by=year", 422, "by is one of"),
    ("/analysis/agents?colour=red", 422, "has no option"),
    ("/analysis/trend?table=other", 422, "there is no table"),
    ("/analysis/trend?tenant_id=1", 422, "belongs to no tenant"),
)


def test_what_cannot_be_answered_is_said(viewer):
    viewer.cookies.set("calling_language", "en")
    for address, status, said in REFUSED:
        answer = viewer.get(address)
        assert (answer.status_code, said in answer.text) == (status, True), address
