"""The Metabase client against the simulator over HTTP."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from calling_pipeline.errors import ContractBreach, IncompleteFetch, VendorAuthRefused, VendorRefused
from calling_pipeline.notifications.dependencies import metabase_client
from calling_pipeline.runtime import Runtime
from calling_pipeline.vendors.http import VendorHttp
from calling_pipeline.vendors.metabase import Metabase
from calling_pipeline_tests.support import http

ROWS = [["c1", "2026-11-20T09:15:00+08:00", "李明", "甲公司", None, ["上线"]]]


@pytest.fixture
def runtime(app_settings, simulator):
    http.post(f"{simulator.url}/metabase/_sim/rows", json=ROWS).raise_for_status()
    made = Runtime(app_settings.model_copy(update={"metabase_url": f"{simulator.url}/metabase"}))
    yield made
    made.close()
    http.delete(f"{simulator.url}/metabase/_sim/rows").raise_for_status()


def rows(runtime, card=1):
    async def ask():
        async with metabase_client(runtime) as metabase:
            return await metabase.card_rows(card)

    return asyncio.run(ask())


def test_rows_come_as_they_are_and_one_session_serves_many(runtime, simulator):
    before = http.delete(f"{simulator.url}/metabase/_sim/sessions").json()["opened"]
    assert [rows(runtime) for _ in range(3)] == [ROWS] * 3
    assert http.delete(f"{simulator.url}/metabase/_sim/sessions").json()["opened"] == before + 1


def test_an_ended_session_is_opened_once_more(runtime, simulator):
    rows(runtime)
    http.delete(f"{simulator.url}/metabase/_sim/sessions")
    assert rows(runtime) == ROWS


def test_a_broken_answer_is_asked_for_again(runtime, simulator):
    simulator.plant("status", path="/api/card", status=503)
    simulator.plant("reset", path="/api/card")
    assert rows(runtime) == ROWS


def test_a_wrong_password_says_what_to_check(app_settings, simulator):
    runtime = Runtime(
        app_settings.model_validate(
            {**app_settings.model_dump(), "metabase_url": f"{simulator.url}/metabase", "metabase_password": "wrong"}
        )
    )
    with pytest.raises(VendorAuthRefused, match="CALLING_METABASE_PASSWORD"):
        rows(runtime)
    runtime.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"data": {"rows": [], "rows_truncated": 2000}}, IncompleteFetch),
        ({"status": "failed", "error": "syntax"}, VendorRefused),
        ({"data": {"rows": "none"}}, ContractBreach),
        ([], ContractBreach),
    ],
)
def test_an_answer_outside_the_contract_is_never_read_as_empty(engine, answer, error):
    from calling_pipeline.database.credentials import CredentialStore
    from calling_pipeline.database.crypto import SecretBox

    def vendor(request):
        return httpx.Response(200, json={"id": "s"} if request.url.path == "/api/session" else answer)

    async def ask():
        client = VendorHttp("metabase", "http://metabase", transport=httpx.MockTransport(vendor))
        async with Metabase(client, CredentialStore(engine, SecretBox(b"x" * 16)), username="u", password="p") as metabase:
            return await metabase.card_rows(1)

    with pytest.raises(error):
        asyncio.run(ask())
