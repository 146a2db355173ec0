"""A vendor over a raw socket that answers what no server framework would: without end, drop by drop, broken, too much."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest import mock

Respond = Callable[[asyncio.StreamWriter], Any]
MIB = 1024**2


def _head(**headers: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *lines, "", ""]).encode()


def whole(body: bytes, **headers: object) -> Respond:
    """The usual answer: one body of a length that is said."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(Content_Length=len(body), **headers) + body)
        await writer.drain()

    return respond


def document(value: Any) -> Respond:
    return whole(json.dumps(value).encode())


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(_head(Transfer_Encoding="chunked"))
    while True:
        writer.write(b"10000\r\n" + b"[" * 65536 + b"\r\n")
        await writer.drain()


async def _announced_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(_head(Content_Length=10**15))
    while True:
        writer.write(b"[" * 65536)
        await writer.drain()


async def _crumbs(writer: asyncio.StreamWriter) -> None:
    writer.write(_head(Transfer_Encoding="chunked"))
    while True:
        writer.write(b"1\r\n[\r\n" * 1000)
        await writer.drain()
        await asyncio.sleep(0.01)


async def _dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(_head(Content_Length=10_000))
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _dripping_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _headers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def _continue_without_end(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


def _bomb(mib: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([*(packer.compress(b" " * MIB) for _ in range(mib)), packer.flush()])


_PACKED = zlib.compress(b'{"whole": true}' * 100, wbits=31)
FAULTS: dict[str, Respond] = {
    "without end": _endless,
    "announced to be a petabyte": _announced_without_end,
    "in pieces of one byte": _crumbs,
    "drop by drop": _dripping,
    "a head drop by drop": _dripping_head,
    "headers without end": _headers_without_end,
    "100 Continue without end": _continue_without_end,
    "a gzip bomb": whole(_bomb(100), Content_Encoding="gzip"),
    "broken gzip": whole(b"\x1f\x8b\x08garbage that is no deflate stream", Content_Encoding="gzip"),
    "gzip cut off": whole(_PACKED[: len(_PACKED) // 2], Content_Encoding="gzip"),
    "a compression nobody asked for": whole(b"\x0b\x02\x80[]\x03", Content_Encoding="br"),
    "nested a hundred thousand deep": whole(b'{"a":' + b"[" * 100_000),
    "nested within what is skipped": whole(b'{"code":200,"ret":200,"x":' + b"[" * 100_000),
    "noise": whole(bytes(range(256)) * 40),
    "another encoding, no JSON": whole("系统繁忙".encode("utf-16")),
    "half a surrogate pair": whole(b'"\\ud83d'),
    "nothing": whole(b""),
}
"""By name: what the server answers. None of it says what became of an act."""


@asynccontextmanager
async def vendor(respond: Respond, before: Callable[[bytes], Respond | None] = lambda request: None) -> AsyncIterator[str]:
    """The address of a server that answers every request with `respond`, those with an answer in `before` with that."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                request = head + await reader.readexactly(length)
                await (before(request) or respond)(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@contextmanager
def time_runs_out(respond: Respond) -> Iterator[Respond]:
    """The same answer; a while after it began, the time is over of the requests that were under way then.

    So a slow answer ends when the request has certainly arrived: a busy machine reaches a short limit of the clock before.
    """
    limits: list[asyncio.Timeout] = []
    make = asyncio.timeout

    def noted(delay: float | None) -> asyncio.Timeout:
        limits.append(make(delay))
        return limits[-1]

    async def end(under_way: list[asyncio.Timeout]) -> None:
        for _ in range(10):  # rounds of the event loop, in which the client reads what was sent
            await asyncio.sleep(0.01)
        for limit in under_way:
            with contextlib.suppress(RuntimeError):  # that request is over
                limit.reschedule(asyncio.get_running_loop().time())

    async def slowly(writer: asyncio.StreamWriter) -> None:
        ending = asyncio.create_task(end([*limits]))
        try:
            await respond(writer)
        finally:
            ending.cancel()

    with mock.patch.object(asyncio, "timeout", noted):
        yield slowly
