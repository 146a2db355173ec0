"""A vendor's answer as clients get it: read whole within a limit, decompressed, in UTF-8, storable; or typed as unreadable.

Whatever a vendor sends (without end, compressed a thousandfold, in another encoding, with characters that no database
stores) is dealt with here, before any client looks at it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import httpx
import msgspec

T = TypeVar("T")
ACCEPTED_ENCODING = "gzip"
"""What clients ask for: the one compression that can be undone piece by piece with a limit."""
_ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_ZLIB_OR_GZIP = 47  # window bits of zlib that recognise either header
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_SURROGATE = re.compile(
    rb"(?<!\\)(?P<before>(?:\\\\)*)"
    rb"(?:(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_SHORTEST_SECRET = 12
"""Shorter ones, as the simulator has, would be found within ordinary words."""
_BOM = b"\xef\xbb\xbf"


class Unreadable(Exception):
    """The answer's body cannot be taken in; the text says why and follows "… answered"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an answer.

    `content` is UTF-8 without the escapes of characters that no database stores (NUL, half of a surrogate pair). It is
    empty when the body of an answer that is no success could not be read: its status says what became of the request.
    """

    status_code: int
    headers: httpx.Headers
    content: bytes


def without(answer: Answer, secrets: Iterable[str]) -> Answer:
    """The answer with `****` where it repeats one of the secrets: what a vendor says is kept and shown."""
    content = answer.content
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET and (given := secret.encode()) in content:
            content = content.replace(given, b"****")
    return answer if content is answer.content else replace(answer, content=content)


async def read_body(response: httpx.Response, largest: int) -> bytes:
    """The body, at most `largest` bytes after decompression. Raises `Unreadable`, and what httpx raises."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    announced = response.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 12 or int(announced) > largest):
        raise _too_large(largest)
    stream = response.stream
    assert isinstance(stream, AsyncIterable)
    if encoding in ("", "identity"):
        return storable(await _plain(stream, largest))
    if encoding not in _ENCODINGS:
        raise Unreadable("in a compression that was not asked for")
    return storable(await _decompressed(stream, largest))


async def _plain(stream: AsyncIterable[bytes], largest: int) -> bytes:
    first, more = b"", None
    async for chunk in stream:
        if more is None and not first:
            first = chunk  # nearly every answer is one piece
        else:
            more = bytearray(first) if more is None else more
            more += chunk
        if len(more if more is not None else first) > largest:
            raise _too_large(largest)
    return first if more is None else bytes(more)


async def _decompressed(stream: AsyncIterable[bytes], largest: int) -> bytes:
    decoder, body = zlib.decompressobj(_ZLIB_OR_GZIP), bytearray()
    try:
        async for chunk in stream:
            body += decoder.decompress(chunk, largest + 1 - len(body))
            if len(body) > largest:
                raise _too_large(largest)
    except zlib.error:
        raise Unreadable("with a compressed body that is broken") from None
    if body and not decoder.eof:
        raise Unreadable("with a compressed body that is cut off")
    return bytes(body)


def _too_large(largest: int) -> Unreadable:
    return Unreadable(f"with more than {largest // 1024} KiB")


def storable(body: bytes) -> bytes:
    """JSON text as UTF-8 that a database can store: GB18030 is converted, NUL and lone surrogates are taken out."""
    if not body.isascii():
        body = _utf8(body).removeprefix(_BOM)
    if b"\x00" in body:
        body = body.replace(b"\x00", b"")
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1", body)
    if b"\\ud" in body or b"\\uD" in body:
        body = _SURROGATE.sub(lambda found: found["before"] + (found["pair"] or b""), body)
    return body


def _utf8(body: bytes) -> bytes:
    try:
        body.decode()
        return body
    except UnicodeDecodeError:
        return body.decode("gb18030", "replace").encode("utf-8", "replace")


def parsed(decode: Callable[[bytes], T], body: bytes) -> T:
    """`decode` of the body. Raises what it raises; `msgspec.DecodeError` also for JSON nested too deeply to be read."""
    try:
        return decode(body)
    except RecursionError:
        raise msgspec.DecodeError("JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise msgspec.DecodeError("JSON is in no encoding that is known") from None
