"""`/docs`: the API's description as a page of this server. It needs no script and nothing from the internet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)
_STYLE = Path(__file__).with_name("description.css")
_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_DEEPEST = 4
Document = Mapping[str, Any]


@router.get("/docs")
async def page(request: Request) -> Response:
    """Every operation with its parameters, its body and its answers."""
    return Response(_page(request), media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/style.css")
async def style() -> Response:
    """How the page looks."""
    return Response(_style(), media_type="text/css")


@lru_cache(maxsize=1)
def _style() -> str:
    return _STYLE.read_text()


def _page(request: Request) -> str:
    state = request.app.state
    if not hasattr(state, "description_page"):
        state.description_page = "\n".join(_lines(request.app.openapi()))
    page: str = state.description_page
    return page


def _lines(api: Document) -> Iterator[str]:
    info = api["info"]
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<title>{escape(info["title"])}: the API</title><link rel="stylesheet" href="docs/style.css"></head><body>'
    yield f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
    yield "<p>Every answer is <code>{&quot;success&quot;: true, &quot;data&quot;: …}</code> or"
    yield " <code>{&quot;success&quot;: false, &quot;error&quot;: …, &quot;field&quot;: …}</code>."
    yield ' For programs the same description is at <a href="openapi.json">openapi.json</a>.'
    yield ' People work in the <a href="./">console</a>.'
    yield " Operations marked <i>token</i> need <code>Authorization: Bearer TOKEN</code>.</p></header>"
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, item in api["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "responses" in operation:
                tag = next(iter(operation.get("tags", ())), "more")
                by_tag[tag].append("\n".join(_operation(api, method, path, operation)))
    yield "<nav>" + " ".join(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in by_tag) + "</nav><main>"
    for tag, operations in by_tag.items():
        yield f'<section id="{_anchor(tag)}"><h2>{escape(tag)}</h2>'
        yield from operations
        yield "</section>"
    yield "</main></body></html>"


def _operation(api: Document, method: str, path: str, said: Document) -> Iterator[str]:
    key = ' <span class="key">token</span>' if said.get("security") else ""
    summary = escape(said.get("summary", ""))
    yield f'<details><summary><b class="{method}">{method.upper()}</b> <code>{escape(path)}</code>{key}'
    yield f" <i>{summary}</i></summary>"
    if said.get("description"):
        yield f"<p>{escape(said['description'])}</p>"
    parameters = said.get("parameters", ())
    if parameters:
        yield "<h3>Parameters</h3><table><tr><th>name</th><th>in</th><th>form</th><th>what</th></tr>"
        for one in parameters:
            name = escape(one["name"]) + ("" if one.get("required") else " <small>optional</small>")
            what = escape(one.get("description", ""))
            yield f"<tr><td>{name}</td><td>{one['in']}</td><td>{_form(api, one.get('schema', {}))}</td><td>{what}</td></tr>"
        yield "</table>"
    for kind, content in said.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body <small>{escape(kind)}</small></h3>"
        yield from _fields(api, content.get("schema", {}))
    yield "<h3>Answers</h3>"
    for status, answer in said["responses"].items():
        if status == "default":
            continue  # the one form of errors, which the head of the page shows
        yield f"<h4>{escape(status)} <small>{escape(answer.get('description', ''))}</small></h4>"
        for content in answer.get("content", {}).values():
            yield from _fields(api, content.get("schema", {}))
    yield "</details>"


def _fields(api: Document, schema: Document, depth: int = 0) -> Iterator[str]:
    """The fields of an object as a table; of anything else its form."""
    schema = _resolved(api, schema)
    properties = schema.get("properties")
    if not properties or depth >= _DEEPEST:
        yield f"<p>{_form(api, schema)}</p>"
        return
    needed = set(schema.get("required", ()))
    yield "<table><tr><th>field</th><th>form</th><th>what</th></tr>"
    for name, given in properties.items():
        inner = _resolved(api, given)
        what = escape(given.get("description") or inner.get("description", ""))
        shown = escape(name) + ("" if name in needed else " <small>optional</small>")
        nested = inner if "properties" in inner else _resolved(api, inner.get("items", {}))
        below = "".join(_fields(api, nested, depth + 1)) if "properties" in nested else ""
        yield f"<tr><td>{shown}</td><td>{_form(api, given)}</td><td>{what}{below}</td></tr>"
    yield "</table>"


def _form(api: Document, schema: Document) -> str:
    """The form of a value in a few words."""
    schema = _resolved(api, schema)
    if "anyOf" in schema:
        return " or ".join(_form(api, one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(
            f"<code>{escape(str(one).lower() if isinstance(one, bool) else str(one))}</code>"
            for one in schema.get("enum", [schema.get("const")])
        )
    if schema.get("type") == "array":
        return f"list of {_form(api, schema.get('items', {}))}"
    kind = escape(str(schema.get("format") or schema.get("type") or schema.get("title") or "anything"))
    limits = [
        f"{sign} {schema[name]}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("maxLength", "length ≤"))
        if name in schema
    ]
    return " ".join([kind, *map(escape, limits)])


def _resolved(api: Document, schema: Document) -> Document:
    """The schema that a reference names."""
    reference = schema.get("$ref")
    if not reference:
        return schema
    found: Document = api["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def _anchor(tag: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in tag)
