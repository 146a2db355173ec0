"""The whole API fuzzed from its own description, as every role: whatever is sent, it answers in its form."""

from __future__ import annotations

from contextlib import suppress

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.api import conftest
from calling_pipeline_tests.support import LIMIT_S, NIGHTLY

EXAMPLES = 60 if NIGHTLY else 1
ROLES = {
    "admin-token": TokenGrant(role="admin"),
    "admin-of-1": TokenGrant(role="admin", tenant=1),
    "operator-token": TokenGrant(role="operator"),
    "collector-7-of-1": TokenGrant(role="collector", tenant=1, collector=7),
    "viewer-token": TokenGrant(role="viewer"),
}


def in_its_form(answer) -> bool:
    """`{"success": …}`, or a page that is no JSON at all, such as the description for people."""
    if "application/json" not in answer.headers.get("content-type", ""):
        return answer.status_code < 400
    document = answer.json()
    return document.get("success") is (answer.status_code < 400) or "openapi" in document


def test_no_request_of_anybody_breaks_the_server(monkeypatch, request):
    """Every operation, with bodies and parameters that fit the description and with some that do not."""
    monkeypatch.setattr(conftest, "TOKENS", ROLES)
    server = request.getfixturevalue("api")
    shown = [{"Authorization": f"Bearer {token}"} for token in ROLES]
    schema = schemathesis.openapi.from_url(f"{server}/openapi.json", timeout=LIMIT_S)
    broken: list[str] = []
    operations = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        operations += 1
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES,
                derandomize=not NIGHTLY,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case):
                for headers in shown:
                    answer = case.call(headers=headers, timeout=LIMIT_S)
                    if answer.status_code >= 500 or not in_its_form(answer):
                        said = f"{case.method} {case.formatted_path} {case.body!r} as {headers}"
                        broken.append(f"{said}: {answer.status_code} {answer.text[:300]}")

            with suppress(Unsatisfiable):  # nothing can be wrong with a request that takes nothing
                send()
    assert broken == []
    assert operations >= 80
