"""What became of each row of a batch, and of one number: by command line, by API, as a file."""

import csv

import httpx
import pytest
from click.testing import CliRunner

from calling_pipeline.api.app import create_app
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.calls.rows import views
from calling_pipeline.cli.main import main
from calling_pipeline.contact_policy import do_not_call
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.call_batches.test_doors import run  # noqa: F401  # the fixture
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S


@pytest.fixture
def batch(desk, simulator):
    """Four rows: one called, one refused, one on the do-not-call list, one that is no number."""
    desk.work_orders([phone(1), phone(2), phone(3), "8888"])
    with desk.engine.begin() as connection:
        do_not_call.add(connection, phone(3), source="complaint")
    desk.task(rate_per_s=1000)
    simulator.plant("refuse", path="/gateway", times=1, resp_code="2001", message="=cmd|' /C calc'!A0")
    return desk.run(concurrency=1)


def test_rows_are_listed_by_state_and_by_reason_and_masked(run, batch):  # noqa: F811
    found = run("calls", "rows", str(batch.id))
    assert [row["source_row"] for row in found] == [1, 2, 3, 4]
    assert sorted(row["state"] for row in found) == ["pushed", "refused", "skipped", "skipped"]
    assert [row["phone"] for row in run("calls", "rows", str(batch.id), "--reason", "do_not_call")] == ["138****0003"]
    (refused,) = run("calls", "rows", str(batch.id), "--state", "refused")
    assert refused["code"] == "2001"
    assert run("calls", "rows", "99", code=1)["error"].startswith("there is no batch 99")


def test_rows_are_written_as_a_file_in_which_no_cell_is_a_formula(run, batch, tmp_path):  # noqa: F811
    file = tmp_path / "rows.csv"
    assert run("calls", "rows", str(batch.id), "--csv", str(file))["rows"] == 4
    rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 4
    assert phone(1) not in file.read_text(encoding="utf-8-sig")
    (refused,) = [row for row in rows if row["state"] == "refused"]
    assert refused["said"].startswith("'=cmd")


def test_every_page_of_a_batch_is_read_once(desk, batch, monkeypatch):
    monkeypatch.setattr(row_store, "PAGE", 3)
    with desk.engine.connect() as connection:
        found = [row.source_row for row in row_store.all_of_batch(connection, batch.id)]
    assert found == [1, 2, 3, 4]


def test_why_a_number_was_called_or_not(run, batch):  # noqa: F811
    said = {run("calls", "why", f"+86 {phone(n)}")["rows"][0]["state"] for n in (1, 2)}
    assert said == {"pushed", "refused"}
    refused = next(found for n in (1, 2) if (found := run("calls", "why", phone(n)))["refused"])
    assert (refused["refused"]["about"], refused["refused"]["code"], refused["called"]) == ("person", "2001", None)
    listed = run("calls", "why", phone(3))
    assert listed["rows"][0]["said"] == "on the do-not-call list"
    assert "is no number" in run("calls", "why", "8888", code=1)["error"]


def test_the_api_answers_the_same(desk, batch):
    settings = desk.settings.model_copy(update={"api_tokens": {"v": TokenGrant(role="viewer")}})
    key = {"Authorization": "Bearer v"}
    with served(create_app(Runtime(settings))) as address, httpx.Client(base_url=address, timeout=LIMIT_S) as client:
        first = client.get(f"/api/v1/calls/batches/{batch.id}/calls", params={"limit": 3}, headers=key).json()["data"]
        rest = client.get(f"/api/v1/calls/batches/{batch.id}/calls", params={"after": 3}, headers=key).json()["data"]
        assert [row["source_row"] for row in first + rest] == [1, 2, 3, 4]
        assert client.get("/api/v1/calls/batches/99/calls", headers=key).status_code == 404
        assert client.get(f"/api/v1/calls/batches/{batch.id}/calls?state=x", headers=key).status_code == 422
        why = client.post("/api/v1/calls/why", json={"phone": phone(3)}, headers=key).json()["data"]
        assert why["rows"][0]["reason"] == "do_not_call"
        assert phone(3) not in str(why)


def test_a_cell_that_begins_like_a_formula_is_text():
    assert [views._cell(value) for value in ("=1", "+1", "-1", "@x", "plain", 7, None)] == [
        "'=1", "'+1", "'-1", "'@x", "plain", 7, None,
    ]  # fmt: skip


def test_a_state_that_there_is_not_is_wrong_usage():
    for words in (["batches", "--state", "foo"], ["rows", "1", "--state", "foo"]):
        answer = CliRunner().invoke(main, ["calls", *words])
        assert answer.exit_code == 2
        assert "'foo' is not one of" in answer.output
