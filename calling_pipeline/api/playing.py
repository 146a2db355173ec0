"""A recording as an answer by ranges (RFC 9110), and the note of who listened, once for each listening."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict

from fastapi.responses import Response, StreamingResponse

from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.calls.recordings.playing import Playable, note_listening

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_ONE_LISTENING_S = 60.0
"""Requests of one person for one recording that follow each other more closely are one listening."""
_MOST = 10_000


class _Listenings:
    """Who began to listen to what lately in this server: a player asks for many ranges within one listening."""

    def __init__(self) -> None:
        self._begun: OrderedDict[tuple[str, int], float] = OrderedDict()
        self._guard = threading.Lock()

    def begins(self, who: str, record_id: int) -> bool:
        """Whether this request begins a listening."""
        now = time.monotonic()
        with self._guard:
            at = self._begun.get((who, record_id))
            self._begun[who, record_id] = now
            self._begun.move_to_end((who, record_id))
            while len(self._begun) > _MOST:
                self._begun.popitem(last=False)
            return at is None or now - at >= _ONE_LISTENING_S


_listenings = _Listenings()


def answer_of(
    playable: Playable, wanted: str | None, runtime: Runtime, record_id: int, tenant_id: int, *, who: str
) -> Response:
    """The whole recording, or the range of it that `wanted` (a Range header) names.

    The listening is noted before a byte is sent. Raises `NotFound` and `SecretUnreadable`.
    """
    part = _part(wanted, playable.size)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store", "Content-Disposition": "inline"}
    if part is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{playable.size}"})
    first, end = part
    content = playable.read(first, end)
    if _listenings.begins(who, record_id):
        with runtime.transaction() as connection:
            note_listening(connection, record_id, tenant_id, who=who)
    headers["Content-Length"] = str(end - first)
    if wanted is None:
        return StreamingResponse(content, media_type=playable.media_type, headers=headers)
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{playable.size}"
    return StreamingResponse(content, 206, media_type=playable.media_type, headers=headers)


def _part(wanted: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for a range that lies outside. A range nobody understands is the whole."""
    match = _RANGE.match(wanted.strip()) if wanted is not None else None
    if match is None or match.group(1) == match.group(2) == "":
        return 0, size
    if match[1] == "":
        return max(0, size - int(match[2])), size
    first, end = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
    return (first, end) if first < end else None
