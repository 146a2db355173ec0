"""Takeovers on the console and over HTTP: every part with its reasons, the banner of shadow mode, nothing of an old system
that runs in a page."""

from __future__ import annotations

import httpx
import pytest

from calling_pipeline.console.app import create_server
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline.takeover.running import take_over
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S
from calling_pipeline_tests.takeover import old_system

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}'


@pytest.fixture
def pages(app_settings, tmp_path):
    """A server in shadow mode that took over an old system with a hostile text."""
    tokens = {"operator-token-123": TokenGrant(role="operator"), "viewer-token-12345": TokenGrant(role="viewer")}
    made = Runtime(app_settings.model_copy(update={"shadow": True, "api_tokens": tokens}))
    content = old_system.tables()
    content["collectors"][2]["collector_name"] = EVIL
    content["usage"].append({"user_id": "u3", "details": f'[{{"taskId": "{EVIL[:20]}", "status": "odd"}}]'})
    take_over(made, old_system.in_database(f"sqlite:///{tmp_path / 'old.db'}", content), by=EVIL[:40])
    with served(create_server(made)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        client.headers["Authorization"] = "Bearer operator-token-123"
        yield client


def test_the_pages_show_each_part_and_the_banner_and_escape_what_came_from_outside(pages):
    listed, one = pages.get("/takeover"), pages.get("/takeover/1")
    assert (listed.status_code, one.status_code) == (200, 200)
    for page in (listed.text, one.text):
        assert 'data-testid="shadow"' in page
        assert "<script>alert(1)" not in page
        assert "<img src=x" not in page
        assert old_system.SECRET not in page
    assert 'data-testid="part-history"' in one.text
    assert pages.get("/takeover/99").status_code == 404
    assert pages.get("/takeover/x").status_code == 404
    assert 'data-testid="shadow"' in pages.get("/").text


def test_the_api_reads_the_same_for_operators_alone(pages):
    document = pages.get("/api/v1/takeovers").json()["data"]
    assert document["shadow"] is True
    one = pages.get("/api/v1/takeovers/1").json()["data"]
    assert one == document["takeovers"][0]
    assert {part["difference"] for part in one["parts"]} == {0}
    viewer = {"Authorization": "Bearer viewer-token-12345"}
    assert pages.get("/api/v1/takeovers", headers=viewer).status_code == 403
    assert pages.get("/takeover", headers=viewer).status_code == 403
