"""Taking over who was called, by command line, API and page: one function, the same verdicts, `why` names the origin."""

import csv
import json
import re

import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline.cli.main import main
from calling_pipeline.console.app import create_server
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S

CSV = f"手机号,最近外呼时间,次数\n{phone(1)},2026-06-01 10:00,4\n+86 {phone(1)},2026-05-01,1\n138****0000,2026-06-01,1\n"
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}'
COUNTS = r'data-testid="(read|new|changed|left-out)">([\d,]+)<'


@pytest.fixture
def run(desk, monkeypatch):
    """The command line on the desk's database; answers what it printed."""
    monkeypatch.setenv("CALLING_DATABASE_URL", desk.settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_SECRET_KEY", "a key for tests that is long enough")

    def act(*words: str, code: int = 0) -> str:
        answer = CliRunner().invoke(main, list(words))
        assert answer.exit_code == code, answer.output
        assert "13800000001" not in answer.output, "a full number on the command line"
        return answer.stdout

    return act


@pytest.fixture
def client(desk):
    """A client of an operator, for API and pages."""
    grants = {"operator-token": TokenGrant(role="operator"), "viewer-token": TokenGrant(role="viewer")}
    runtime = Runtime(desk.settings.model_copy(update={"api_tokens": grants}))
    with served(create_server(runtime)) as url:
        headers = {"Authorization": "Bearer operator-token", "Origin": url}
        with httpx.Client(base_url=url, headers=headers, timeout=LIMIT_S) as made:
            yield made
    runtime.close()


def test_the_command_judges_imports_and_names_the_origin(run, desk, tmp_path):
    file, rows = tmp_path / "old.csv", tmp_path / "rows.csv"
    file.write_bytes(CSV.encode("gb18030"))
    said = run("calls", "history", "import", str(file), "--dry-run")
    assert "dry run" in said
    assert "3 rows read = 1 taken (1 new, 0 changed) + 1 masked + 1 repeated" in said
    assert desk.one("SELECT count(*) FROM call_history") == 0
    words = ("calls", "history", "import", str(file), "--source", "old CRM", "--reason", "takeover", "--rows", str(rows))
    done = json.loads(run(*words, "--json"))
    assert (done["read"], done["taken"], done["reasons"]) == (3, 1, {"masked": 1, "repeated": 1})
    with rows.open(encoding="utf-8-sig", newline="") as written:
        assert [(row["line"], row["verdict"], row["reason"]) for row in csv.DictReader(written)] == [
            ("2", "new", ""), ("3", "repeated", ""), ("4", "rejected", "masked")
        ]  # fmt: skip
    again = json.loads(run(*words, "--json"))
    assert (again["taken"], again["reasons"]) == (0, {"masked": 1, "repeated": 1, "unchanged": 1})
    why = run("calls", "why", phone(1))
    assert "4 of them elsewhere, as old CRM says; the last at 2026-06-01 10:00" in why
    acts = desk.rows("SELECT act, subject, reason, door FROM audit_log")
    assert acts == [("call_history.import", "call_history_source:old CRM", "takeover", "command line")]


def test_the_command_says_in_a_sentence_what_is_wrong_with_a_file(run, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("name\nWang\n", encoding="utf-8")
    answer = CliRunner().invoke(main, ["calls", "history", "import", str(file)])
    assert answer.exit_code != 0
    assert "old.csv has no column of numbers; call it 'phone'. Its first line has: name" in answer.output


def test_the_api_imports_after_a_dry_run_for_operators_only(client, desk):
    where, headers = "/api/v1/calls/history/import", {"Content-Type": "text/csv"}
    viewer = {**headers, "Authorization": "Bearer viewer-token"}
    assert client.post(where, params={"source": "a"}, content=CSV.encode(), headers=viewer).status_code == 403
    tried, done = (
        client.post(where, params={"source": "a", "dry_run": dry}, content=CSV.encode(), headers=headers).json()["data"]
        for dry in (True, False)
    )
    assert {**tried, "dry_run": False} == done
    assert (done["read"], done["taken"], done["reasons"]) == (3, 1, {"masked": 1, "repeated": 1})
    found = client.post("/api/v1/calls/why", json={"phone": phone(1)}).json()["data"]
    assert (found["called"]["origin"], found["called"]["imported_from"]) == ("imported", "a")
    assert [event["kind"] for event in found["timeline"]] == ["import"]


def test_the_page_first_judges_and_then_imports_what_was_pasted_or_uploaded(client, desk):
    form = {"numbers": f"phone\n{phone(1)}\n{phone(2)}\n{EVIL}\n", "source": f"old {EVIL}", "reason": "x", "do": "try"}
    tried = client.post("/batches/history/import", data=form).text
    assert dict(re.findall(COUNTS, tried)) == {"read": "3", "new": "2", "changed": "0", "left-out": "1"}
    assert 'data-testid="import-do"' in tried
    assert "不是电话号码" in tried
    assert "没有时间，按现在拨打过计算" in tried
    assert "<script>alert" not in tried
    assert desk.one("SELECT count(*) FROM call_history") == 0
    done = client.post("/batches/history/import", data={**form, "do": "import"}).text
    assert 'data-testid="imported"' in done
    assert desk.one("SELECT count(*) FROM call_history") == 2
    file = {"file": ("旧.csv", CSV.encode("gb18030"), "text/csv")}
    page = client.post("/batches/history/import", data={"source": "a", "numbers": "13900000000"}, files=file).text
    assert dict(re.findall(COUNTS, page)) == {"read": "3", "new": "0", "changed": "1", "left-out": "2"}
    why = client.post("/batches/why", data={"phone": phone(1)}).text
    assert 'data-testid="why-elsewhere"' in why
    assert "<script>alert" not in why


@pytest.mark.parametrize(
    "form", [{"source": "a"}, {"source": " ", "numbers": "13900000000"}, {"source": "a", "numbers": "x"}]
)
def test_the_page_refuses_nothing_at_all_no_source_and_no_numbers(client, form):
    assert client.post("/batches/history/import", data=form).status_code == 422
