"""Recordings of simulated Infinity: a short tone as WAV, behind a link that expires."""

from __future__ import annotations

import array
import asyncio
import hashlib
import hmac
import io
import math
import secrets
import time
import wave
from collections.abc import AsyncIterator
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from calling_pipeline.simulator.faults import Faults

KINDS = ("huge", "half", "trickle")
"""Faults of recordings: `huge` (options bytes), `half` (the connection ends within the body), `trickle` (options seconds:
the second half of the body comes after them)."""
RATE = 8000


class Recordings:
    """Makes links and serves what they name, until they expire."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._key = secrets.token_bytes(16)
        self.base = ""

    def link(self, name: str, lasts_s: float) -> str:
        """A link to the recording `name` that works for so many seconds."""
        expires = int(time.time() + lasts_s)
        return f"{self.base}recordings/{name}.wav?expires={expires}&sign={self._sign(name, expires)}"

    async def serve(self, request: Request) -> Response:
        """The recording; 404 when the link has expired, as the vendor answers."""
        name, expires = request.path_params["name"], request.query_params.get("expires", "")
        right = expires.isdigit() and hmac.compare_digest(
            request.query_params.get("sign", ""), self._sign(name, int(expires))
        )
        if not right or int(expires) < time.time():
            return Response("no such file", 404)
        fault = self._faults.strike(request.url.path, *KINDS) if self._faults.planted else None
        sound = tone(name)
        if fault is None:
            return Response(sound, media_type="audio/wav")
        options = fault.options
        if fault.kind == "huge":
            return StreamingResponse(_zeros(int(options.get("bytes", 10**9))), media_type="audio/wav")
        pause_s = float(options.get("seconds", 60.0)) if fault.kind == "trickle" else None
        return StreamingResponse(
            _halves(sound, pause_s), media_type="audio/wav", headers={"Content-Length": str(len(sound))}
        )

    def _sign(self, name: str, expires: int) -> str:
        return hmac.new(self._key, f"{name} {expires}".encode(), hashlib.sha256).hexdigest()[:32]


@lru_cache(maxsize=32)
def tone(name: str, seconds: float = 2.0) -> bytes:
    """A WAV of a tone whose height depends on the name: two recordings sound different."""
    height = 300 + hashlib.sha256(name.encode()).digest()[0] * 2
    samples = array.array("h", (int(9000 * math.sin(2 * math.pi * height * n / RATE)) for n in range(int(RATE * seconds))))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


async def _halves(body: bytes, pause_s: float | None) -> AsyncIterator[bytes]:
    middle = len(body) // 2
    yield body[:middle]
    if pause_s is None:
        raise ConnectionError("cut on request")
    await asyncio.sleep(pause_s)
    yield body[middle:]


async def _zeros(size: int) -> AsyncIterator[bytes]:
    block = bytes(64 * 1024)
    while size > 0:
        yield block[:size]
        size -= len(block)
