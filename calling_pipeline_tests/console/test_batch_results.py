"""What became of the pushed calls of a batch, by page, API and command line: the same numbers, masked, safe as a file."""

import csv
import io
import json
import re

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline.analysis.call_results.joining import join_day
from calling_pipeline.analysis.call_results.records import JoinRules
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.cli.main import main
from calling_pipeline_tests.analysis.pushed_world import KEY, add_batch, add_push, add_record, phone
from calling_pipeline_tests.console.batches import morning
from calling_pipeline_tests.support import yesterday

STATES = [(2, 9), (2, 1), (2, 0), (1, 0), (0, 0)]
PROBES = ("=cmd()", "<script>alert(1)</script>", "{{7*7}}")


@pytest.fixture
def batch(console_runtime):
    """Seven pushed calls: three connected, two of them with an order, one not connected, one not dialled, two waiting."""
    with console_runtime.transaction() as connection:
        made = add_batch(connection, yesterday())
        for number in range(7):
            add_push(connection, made, number, morning(), row_key=PROBES[number] if number < 3 else f"key {number}")
        for number, (state, order) in enumerate(STATES):
            more = {"hangup_reason": PROBES[1] if number == 0 else "正常挂断"}
            add_record(connection, number + 1, number, morning(), call_state=state, order_yuan=order, **more)
        join_day(connection, yesterday(), JoinRules((KEY,)))
    return made


def figure(page, testid):
    found = re.search(rf'data-testid="{testid}">(?:<[^>]*>)*([^<]*)', page.text)
    return None if found is None else found[1].strip()


def test_the_card_of_a_batch_goes_on_to_zero_on_the_page_and_in_the_api(batch, as_role):
    viewer = as_role("viewer")
    page = viewer.get(f"/batches/{batch}")
    names = ("results-pushed", "connected", "not-connected", "not-dialled", "waiting", "results-difference", "order-9")
    assert [figure(page, name) for name in names] == ["7", "3", "1", "1", "2", "0", "1"]
    said = viewer.get(f"/api/v1/calls/batches/{batch}").json()["data"]["results"]
    assert (said["pushed"], said["connected"], said["waiting"], said["difference"]) == (7, 3, 2, 0)
    assert (said["order_9"], said["order_1"], said["talk_s"]) == (1, 1, 300)
    assert said["waiting_s"] > 0
    assert said["joined_at"] is not None
    assert 'data-testid="short-results"' in viewer.get("/batches").text


def test_a_batch_that_was_pushed_further_since_the_join_counts_those_calls_as_waiting(batch, console_runtime, as_role):
    with console_runtime.transaction() as connection:
        add_push(connection, batch, 50, morning())
        fresh = add_batch(connection, yesterday())
        add_push(connection, fresh, 51, morning())
    said = as_role("viewer").get(f"/api/v1/calls/batches/{batch}").json()["data"]["results"]
    assert (said["pushed"], said["waiting"], said["difference"]) == (8, 3, 0)
    page = as_role("viewer").get(f"/batches/{fresh}")
    assert (figure(page, "waiting"), figure(page, "results-difference")) == ("1", "0")
    assert 'data-testid="short-results"' not in page.text


def test_the_list_of_results_is_narrowed_masked_and_exported_by_the_sources_own_key(batch, console_runtime, as_role):
    viewer = as_role("viewer")
    page = viewer.get(f"/batches/{batch}/results")
    assert PROBES[1] not in page.text
    assert phone(1) not in page.text
    assert "138****0001" in page.text
    narrowed = viewer.get(f"/batches/{batch}/results?result=waiting&form=csv")
    rows = list(csv.reader(io.StringIO(narrowed.text.removeprefix("\ufeff"))))
    assert [row[0] for row in rows[1:]] == ["key 5", "key 6"]
    whole = viewer.get(f"/batches/{batch}/results?form=csv").text
    assert "'=cmd()" in whole
    assert phone(1) not in whole
    assert viewer.get(f"/batches/{batch}/results?result=nothing").status_code == 422
    assert viewer.get("/batches/999999/results").status_code == 404
    with console_runtime.transaction() as connection:
        noted = sa.text("SELECT count(*) FROM audit_log WHERE act = 'list.export' AND subject = :list")
        assert connection.execute(noted, {"list": f"list:batch-{batch}-results"}).scalar_one() == 2


def test_the_api_pages_through_results_and_the_view_says_the_same(batch, console_runtime, as_role):
    address = f"/api/v1/calls/batches/{batch}/results"
    viewer = as_role("viewer")
    found = viewer.get(address, params={"limit": 3}).json()["data"]
    found += viewer.get(address, params={"limit": 10, "offset": 3}).json()["data"]
    assert [one["source_row"] for one in found] == [1, 2, 3, 4, 5, 6, 7]
    connected = viewer.get(address, params={"result": "connected"}).json()["data"]
    assert [one["order_yuan"] for one in connected] == [9, 1, 0]
    assert viewer.get(address, params={"result": "nothing"}).status_code == 422
    with console_runtime.transaction() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT row_key, phone_masked, result FROM call_results_by_row WHERE batch_id = :id ORDER BY source_row"
            ),
            {"id": batch},
        ).all()
    assert [tuple(row) for row in rows] == [(one["row_key"], one["phone"], one["result"]) for one in found]


@pytest.fixture
def command(console_runtime, monkeypatch):
    """`command("calls", …)` runs the command line on the same database and returns its JSON answer."""
    given = console_runtime.settings
    monkeypatch.setenv("CALLING_HOME", str(given.home))
    monkeypatch.setenv("CALLING_DATABASE_URL", given.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_SECRET_KEY", given.secret_key.get_secret_value())

    def run(*words):
        answer = CliRunner().invoke(main, [*words, "--json"])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    return run


def test_the_command_writes_the_same_as_a_file_and_joins_a_day_again(batch, console_runtime, command, tmp_path):
    file = tmp_path / "results.csv"
    assert command("calls", "results", str(batch), "--csv", str(file))["results"] == 7
    rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["result"] for row in rows[:4]] == ["connected", "connected", "connected", "not_connected"]
    assert rows[0]["row_key"] == "'=cmd()"
    assert phone(1) not in file.read_text(encoding="utf-8-sig")
    [first] = command("calls", "results", str(batch), "--result", "not_dialled")
    assert first["source_row"] == 5
    [joined] = command("calls", "join", "--from", str(yesterday()))
    assert (joined["pushed"], joined["changed"]) == (7, 5)  # by another key: none of the records' hashes is known
    with console_runtime.transaction() as connection:
        assert result_store.of_batches(connection, [batch])[batch].waiting == 7
