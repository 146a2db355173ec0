"""`/reports/subscriptions` and `/reports/deliveries`: subscribing, the list, and settling what is held, by page and API."""

from __future__ import annotations

from calling_pipeline_tests.reports.mail_support import a_report, deps_of, lying, round_at, states


def test_an_operator_sees_and_settles_what_is_unknown(console, as_role, tmp_path):
    engine = console.runtime.engine
    a_report(engine, ["cut.a@example.com"])
    with lying(tmp_path) as liar:
        round_at(deps_of(engine, liar.server))
    client = as_role("operator")
    assert "cut.a@example.com" in client.get("/reports/subscriptions").text
    assert "cut.a@example.com" in client.get("/reports/deliveries?state=unknown").text
    assert 'data-testid="settle-form"' in client.get("/reports/deliveries/settle?state=unknown").text
    assert client.get("/reports/subscribe").status_code == 200
    found = client.get("/api/v1/reports/deliveries?state=unknown").json()["data"]
    assert found["total"] == 1
    assert as_role("viewer").get("/reports/deliveries").status_code == 403
    assert states(engine) == {"cut.a@example.com": "unknown"}
