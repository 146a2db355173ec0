"""`calling-pipeline alerts` for people and scripts."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.cli.alerts import alerts
from calling_pipeline.cli.output import Door

DAY = dt.date(2026, 11, 20)


@pytest.fixture
def run(runtime):
    """Run `alerts …` in this process on the test's database."""
    door = Door()
    door.__dict__["runtime"] = runtime

    def run(*words):
        return CliRunner().invoke(alerts, words, obj=door, catch_exceptions=False)

    return run


def observe(runtime, failing, event):
    with runtime.transaction() as connection:
        conditions.observe(
            connection,
            Condition(
                f"check:calls:rates:{DAY}", failing, "error", "calls: rates are in range", "3 of 1200 rows", "dagster",
                event, subject="calls", day=DAY,
            ),
        )  # fmt: skip


def test_the_list_shows_open_and_closed_with_their_day_and_how_often_they_were_announced(run, runtime):
    assert "nothing is wrong" in run("list").output
    observe(runtime, True, 1)
    shown = run("list").output
    assert "open" in shown
    assert "2026-11-20" in shown
    [one] = json.loads(run("list", "--json").output)
    assert (one["state"], one["day"], one["times_announced"], one["closed_at"]) == ("open", "2026-11-20", 1, None)
    observe(runtime, False, 2)
    assert json.loads(run("list", "--json").output)[0]["state"] == "closed"
    assert json.loads(run("list", "--open", "--json").output) == []
    sent = json.loads(run("list", "--sent", "--json").output)
    assert [one["title"].split(":")[0] for one in sent] == ["Recovered", "Failing"]


def test_one_is_shown_with_what_to_do_and_the_alerts_about_it(run, runtime):
    observe(runtime, True, 1)
    [one] = json.loads(run("list", "--json").output)
    shown = run("show", str(one["id"])).output
    assert "3 of 1200 rows" in shown
    assert "What to do: Open the check" in shown
    assert "Failing: calls: rates are in range, 2026-11-20" in shown
    document = json.loads(run("show", str(one["id"]), "--json").output)
    assert document["link"].endswith("/assets")
    assert run("show", "999").exit_code == 1
