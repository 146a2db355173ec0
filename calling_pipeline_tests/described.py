"""Holds what the API answers against its own description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "null": (type(None),),
}  # fmt: skip


class Compared:
    """The application, and in `differences` what it answered otherwise than described."""

    def __init__(self, app: FastAPI) -> None:
        self._app: ASGIApp = app
        self._document = app.openapi()
        self.differences: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        status, is_json, body = 0, False, bytearray()

        async def noting(message: Message) -> None:
            nonlocal status, is_json
            if message["type"] == "http.response.start":
                status = message["status"]
                is_json = (b"content-type", b"application/json") in message["headers"]
            elif is_json and 200 <= status < 300:
                body.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, noting)
        if body:
            self._compare(scope, str(status), bytes(body))

    def _compare(self, scope: Scope, status: str, body: bytes) -> None:
        path = getattr(scope.get("route"), "path_format", scope["path"])
        operation = self._document["paths"].get(path, {}).get(scope["method"].lower())
        if operation is not None:
            schema = operation["responses"][status]["content"]["application/json"]["schema"]
            found = differences(schema, json.loads(body), self._document["components"]["schemas"])
            self.differences |= {f"{scope['method']} {path} {status}: {one}" for one in found}


def differences(schema: dict[str, Any], value: Any, named: dict[str, Any], at: str = "") -> Iterator[str]:
    """Where a value is not what a schema says: missing and unknown keys, other types, values that are no choice."""
    if "$ref" in schema:
        schema = named[schema["$ref"].rpartition("/")[2]]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        tried = [list(differences(one, value, named, at)) for one in choices]
        yield from min(tried, key=len)
        return
    if "type" in schema and (
        not isinstance(value, _TYPES[schema["type"]])
        or (isinstance(value, bool) and schema["type"] in ("integer", "number"))
    ):
        yield f"{at or 'the answer'} is {type(value).__name__}, not {schema['type']}"
        return
    if value not in schema.get("enum", [value]):
        yield f"{at} is none of the choices"
    if isinstance(value, dict):
        yield from _of_object(schema, value, named, at)
    if isinstance(value, list):
        for item in value:
            yield from differences(schema.get("items", {}), item, named, f"{at}[]")


def _of_object(schema: dict[str, Any], value: dict[str, Any], named: dict[str, Any], at: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    if not known and others is None:
        return
    yield from (f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, inner in value.items():
        if name in known:
            yield from differences(known[name], inner, named, f"{at}.{name}")
        elif isinstance(others, dict):
            yield from differences(others, inner, named, f"{at}.*")
        elif others is not True:
            yield f"{at}.{name} is not described"
