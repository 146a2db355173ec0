"""How often there was no line: refused clicks are counted, and no click waits for that."""

from __future__ import annotations

import asyncio
import datetime as dt
import json

from click.testing import CliRunner
from fastapi import FastAPI

from calling_pipeline import days
from calling_pipeline.api import failures
from calling_pipeline.cli.main import main
from calling_pipeline.telephony.calls.making import make_call
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.monitoring.snapshots import take_snapshot
from calling_pipeline.telephony.records import CallWish
from calling_pipeline.telephony.refusals import counting
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import http
from calling_pipeline_tests.telephony.support import SECRET_KEY, set_up


def test_refused_clicks_are_counted_per_tenant_hour_and_rule(runtime, infinity, monkeypatch):
    infinity.behave(ring_s=[60, 60])
    office = set_up(runtime, infinity.url + "/infinity/api", lines=1)

    async def clicks():
        async with TelephonyDependencies.from_runtime(runtime) as deps:
            for number in (1, 2, 3):
                await make_call(deps, CallWish(1, number, f"1380000000{number}"))
            await make_call(deps, CallWish(1, 1, "13800000009"))
            await make_call(deps, CallWish(1, 2, "+85291234567"))
            await make_call(deps, CallWish(1, 99, "13800000008"))
            await make_call(deps, CallWish(77, 1, "13800000008"))

    for _ in range(2):
        asyncio.run(clicks())
    settings = runtime.settings
    monkeypatch.setenv("CALLING_HOME", str(settings.home))
    monkeypatch.setenv("CALLING_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("CALLING_SECRET_KEY", SECRET_KEY)
    shown = json.loads(CliRunner().invoke(main, ["telephony", "refusals", "--tenant", "1", "--json"]).stdout)
    counted: dict[str, int] = {}
    for row in shown["refusals"]:  # the hour may turn within the test
        counted[row["rule"]] = counted.get(row["rule"], 0) + row["number"]
    assert counted == {"none_free": 4, "in_call": 2, "contact_policy:country": 2}
    assert {row[0] for row in office.rows("SELECT tenant_id FROM call_refusals")} == {1}
    with days.frozen(days.now() + dt.timedelta(days=91)), runtime.transaction() as connection:
        take_snapshot(connection)
    assert office.rows("SELECT count(*) FROM call_refusals") == [(0,)]


def test_a_value_that_cannot_be_stored_is_the_callers_fault(runtime):
    """It was answered 503, try again shortly."""
    app = FastAPI()
    failures.add_handlers(app)

    @app.get("/")
    def far_too_large() -> None:
        with runtime.transaction() as connection:
            connection.exec_driver_sql("SELECT CAST(2147483648 AS integer)")

    with served(app) as url:
        answer = http.get(url)
    assert (answer.status_code, answer.json()["success"]) == (422, False)


def test_a_click_within_seconds_of_a_refusal_of_the_same_collector_counts_as_again(office):
    at = [1000.0]
    counts = counting.RefusalCounts(clock=lambda: at[0])
    for collector, after_s in ((1, 0), (2, 0), (1, 3), (1, 9), (1, 11), (2, 1), (1, 1)):
        at[0] += after_s
        counts.note(1, collector, "none_free")
    counts.note(2, 1, "none_free")  # another tenant's collector of that number
    counts.write(office.runtime.transaction)
    rows = "SELECT tenant_id, sum(number)::int, sum(again)::int FROM call_refusals GROUP BY 1 ORDER BY 1"
    assert office.rows(rows) == [(1, 7, 3), (2, 1, 0)]
