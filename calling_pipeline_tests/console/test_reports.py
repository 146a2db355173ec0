"""The pages of reports: history, a report with its revisions and changes, making by hand, files, and who may do what."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.audit.tables import audit_log
from calling_pipeline_tests.reports.support import SUNDAY, at, make, put_day

PROBE = "=cmd()\u202e<script>alert(1)</script>{{7*7}}\U0001f600\x00" + "长" * 300
CORRECTED = at(SUNDAY + dt.timedelta(days=1), 10, 20)
ADDRESS = "/reports/daily/2026-11-29"


@pytest.fixture
def made(console):
    """Two revisions of one day, whose agents have harmful names."""
    engine = console.runtime.engine
    with engine.begin() as connection:
        put_day(connection, SUNDAY)
    make(engine, SUNDAY, agent_names={"a1": PROBE})
    with engine.begin() as connection:
        put_day(connection, SUNDAY, grade_9=7, read_at=CORRECTED)
    make(engine, SUNDAY, now=CORRECTED, agent_names={"a1": PROBE})


def test_the_history_shows_the_newest_revision_with_state_and_code(as_role, made):
    answer = as_role("viewer").get("/reports")
    assert answer.status_code == 200
    assert f'href="{ADDRESS}"' in answer.text
    assert as_role("viewer").get("/reports?kind=weekly").text.count(ADDRESS) == 0
    exported = as_role("viewer").get("/reports?form=csv").text
    assert "2026-11-29" in exported


def test_a_report_shows_its_numbers_what_changed_and_any_older_revision(as_role, made):
    client = as_role("viewer")
    newest, older = client.get(ADDRESS).text, client.get(f"{ADDRESS}?revision=1").text
    assert 'data-testid="changes"' in newest
    assert 'data-testid="changes"' not in older
    assert 'data-testid="figure-summary-grade_9">7<' in newest
    assert 'data-testid="figure-summary-grade_9">5<' in older
    assert client.get(f"{ADDRESS}?revision=9").status_code == 404
    assert client.get(f"{ADDRESS}?revision=x").status_code == 422


def test_page_file_and_api_carry_the_same_control_totals_and_code(as_role, made):
    client = as_role("viewer")
    text, facts = client.get(ADDRESS).text, client.get(f"/api/v1{ADDRESS}").json()["data"]
    file = client.get(f"{ADDRESS}/file?format=json")
    assert file.json()["control"] == facts["control"]
    assert file.json()["control_code"] == facts["control_code"]
    assert f'data-testid="control-code">{facts["control_code"]}<' in text
    for name, total in facts["control"].items():
        assert f'data-testid="control-{name}">{total:,}<' in text


def test_a_name_from_outside_is_a_text_everywhere(as_role, made):
    for answer in (as_role("viewer").get(ADDRESS), as_role("viewer").get(f"{ADDRESS}/file?format=json")):
        assert answer.status_code == 200
        assert "\x00" not in answer.text
    shown = as_role("viewer").get(ADDRESS).text
    assert "<script>alert" not in shown
    assert "\u202e" not in shown


def test_a_report_is_made_by_hand_with_a_reason_which_the_audit_log_has(as_role, console):
    with console.runtime.engine.begin() as connection:
        put_day(connection, SUNDAY)
    form = {"kind": "daily", "period": "2026-11-29", "reason": "the board asks"}
    assert as_role("viewer").post("/reports/make", data=form).status_code == 403
    assert as_role("operator").post("/reports/make", data=form | {"reason": ""}).status_code == 422
    assert as_role("operator").post("/reports/make", data=form).status_code == 303
    assert as_role("viewer").get(f"{ADDRESS}/file?format=json").status_code == 200
    with console.runtime.transaction() as connection:
        acts = connection.execute(sa.select(audit_log.c.act, audit_log.c.subject).order_by(audit_log.c.id)).all()
    assert [tuple(one) for one in acts][-2:] == [
        ("report.make", "report:daily/2026-11-29"),
        ("report.download", "report:daily/2026-11-29"),
    ]


def test_a_period_without_a_report_says_how_to_get_one_and_a_wrong_one_says_its_form(as_role):
    client = as_role("operator")
    assert "/reports/make?kind=weekly" in client.get("/reports/weekly/2026-W10").text
    assert client.get("/reports/weekly/2026-13").status_code == 422
    assert client.get("/reports/yearly/2026").status_code == 422


def test_the_workbook_with_rows_is_asked_for_on_the_page_and_by_the_api_and_noted(as_role, console, made):
    with days.frozen(CORRECTED):
        page = as_role("operator").get(f"{ADDRESS}/rows?revision=2")
        assert "第 2 版的表格，附上 100 条话单" in page.text
        assert as_role("viewer").get(f"{ADDRESS}/rows").status_code == 403
        assert as_role("viewer").post(f"{ADDRESS}/rows").status_code == 403
        assert as_role("operator").post(f"{ADDRESS}/rows", data={"revision": "2"}).status_code == 303
        asked = as_role("operator").post(f"/api/v1{ADDRESS}/rows", json={"language": "en"})
    assert (asked.json()["data"]["state"], asked.json()["data"]["format"]) == ("asked", "xlsx")
    assert "表格附话单明细" in as_role("operator").get("/exports").text
    with console.runtime.transaction() as connection:
        acts = connection.execute(sa.select(audit_log.c.act).order_by(audit_log.c.id)).scalars().all()
    assert acts[-2:] == ["export.ask", "export.ask"]
