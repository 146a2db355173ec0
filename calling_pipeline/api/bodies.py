"""What a request's body may be before anything of it is believed: its size, its nesting, its numbers and texts."""

from __future__ import annotations

import asyncio
import re

import msgspec
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from calling_pipeline.errors import InvalidInput

LARGEST = 64 * 1024
LARGEST_IMPORT = 10 * 1024**2
DEEPEST = 32
LONGEST_NUMBER = 40
MOST_VALUES = 500_000
_QUICK = 64 * 1024
"""A longer body is judged in a thread."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_NUMBER = re.compile(rb"[-+0-9.eE]{%d,}" % (LONGEST_NUMBER + 1))


def largest_of(path: str) -> int:
    """The bytes that the body of a request to `path` may have."""
    return LARGEST_IMPORT if path.endswith("/import") else LARGEST


def announced(scope: Scope) -> int | None:
    """The length that the request says its body has; None when it says none."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 16 else LARGEST_IMPORT + 1
    return None


def too_large(largest: int) -> HTTPException:
    """The refusal of a body over the limit."""
    return HTTPException(413, f"the body is larger than {largest // 1024} KiB")


class Counted:
    """A request's `receive` that ends with `HTTPException` 413 when more bytes come than are allowed."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._read = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._largest:
                raise too_large(self._largest)
        return message


async def read(receive: Receive, largest: int) -> bytes | None:
    """The whole body; None when the caller went away. Raises `HTTPException` 413."""
    counted, body = Counted(receive, largest), bytearray()
    while True:
        message = await counted()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def require_sane(body: bytes) -> None:
    """Raise `InvalidInput` for what is no JSON, nested too deeply, or holds numbers or characters that nothing can store."""
    if len(body) > _QUICK:
        await asyncio.to_thread(_require_sane, body)
    else:
        _require_sane(body)


def _require_sane(body: bytes) -> None:
    try:
        body.decode()
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8 or nested without end"
        raise InvalidInput(f"the body is not valid JSON: {reason}") from None
    bare = _STRING.sub(b'""', body)  # only now: in valid JSON every string ends, and this takes one pass
    if bare.count(b",") > MOST_VALUES:
        raise InvalidInput(f"the body holds more than {MOST_VALUES} values")
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > DEEPEST:
            raise InvalidInput(f"the body is nested more than {DEEPEST} levels deep")
    if _NUMBER.search(bare):
        raise InvalidInput(f"the body holds a number of more than {LONGEST_NUMBER} characters")
