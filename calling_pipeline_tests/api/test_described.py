"""Every JSON answer has a shape in the description, and none is so loose that it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from calling_pipeline.api.app import create_app
from calling_pipeline_tests.described import Compared, differences
from calling_pipeline_tests.serving import served, share_what_routers_cost
from calling_pipeline_tests.support import LIMIT_S

FREE = {
    "after", "before", "contact_rules", "details", "found", "history", "notes", "partial", "policy", "rows", "waits",
}  # fmt: skip
"""Fields whose keys are no one's to fix: what was changed, a policy, what a client saved, figures behind a sentence, and
the columns of tables."""
FILES = {
    "/api/v1/reports/{kind}/{period}/file", "/api/v1/exports/{export_id}/file", "/api/v1/infinity/calls/{call_id}/recording",
    "/metrics",
}  # fmt: skip


@pytest.fixture
def description(api_runtime) -> dict[str, Any]:
    app = create_app(api_runtime)
    share_what_routers_cost(app)
    return app.openapi()


def test_every_json_answer_is_described_down_to_its_values(description):
    named = description["components"]["schemas"]
    vague = [
        f"{method} {path} {status}: {place}"
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        for status, response in operation["responses"].items()
        if status.startswith("2") and path not in FILES
        for place in _vague(response["content"]["application/json"]["schema"], named, "the answer")
    ]
    assert vague == []


def test_every_list_answers_as_it_is_described(api_runtime):
    app = create_app(api_runtime)
    share_what_routers_cost(app)
    paths = [path for path, operations in app.openapi()["paths"].items() if "get" in operations and "{" not in path]
    compared = Compared(app)
    headers = {"Authorization": "Bearer admin-token"}
    with served(compared) as url, httpx.Client(base_url=url, headers=headers, timeout=LIMIT_S) as client:
        answered = [path for path in paths if client.get(path).is_success]
    assert len(answered) > 20
    assert compared.differences == set()


def test_a_model_of_the_description_has_the_title_of_its_type_alone(description):
    titles = [schema.get("title", "") for schema in description["components"]["schemas"].values()]
    assert "Success[BatchLine]" in titles
    assert [title for title in titles if "Annotated" in title] == []


def test_a_difference_between_an_answer_and_its_description_is_seen():
    line = {"type": "object", "properties": {"id": {"type": "integer"}, "at": {"type": "string"}}, "required": ["id"]}
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    assert list(differences(listed, [{"id": 1}, {"id": 2, "at": "now"}], {"Line": line})) == []
    assert list(differences(listed, [{"at": "now"}], {"Line": line})) == ["[].id is missing"]
    assert list(differences(listed, [{"id": 1, "other": 2}], {"Line": line})) == ["[].other is not described"]
    assert list(differences(listed, [{"id": True}], {"Line": line})) == ["[].id is bool, not integer"]
    assert list(differences({"anyOf": [line, {"type": "null"}]}, None, {})) == []


def _vague(schema: dict[str, Any], named: dict[str, Any], at: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Places of a schema that allow anything, but for the fields of `FREE`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from _vague(named[name], named, at, seen | {name})
        return
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if not inner and "type" not in schema and "enum" not in schema and "const" not in schema:
        yield at
    for one in inner:
        yield from _vague(one, named, at, seen)
    for name, value in schema.get("properties", {}).items():
        if name not in FREE:
            yield from _vague(value, named, f"{at}.{name}", seen)
    if schema.get("type") == "array":
        yield from _vague(schema.get("items", {}), named, f"{at}[]", seen)
    if schema.get("type") == "object" and "properties" not in schema:
        others = schema.get("additionalProperties", True)
        yield from [at] if others is True else _vague(others, named, f"{at}.*", seen)
