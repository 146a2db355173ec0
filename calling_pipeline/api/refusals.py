"""Refused requests: counted and, with wrong tokens, slowed by address; within a memory that does not grow, and logged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

FREE = 5
"""Refusals of an address that are answered at once; each later one waits twice as long."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
FORGOTTEN_S = 600.0
"""After so long without a refusal an address starts afresh."""
_MOST_ADDRESSES = 10_000
_MOST_WAITING = 64

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Count:
    refused: int
    last: float


class Refusals:
    """The refusals of one server, by address."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()
        self._waiting = 0

    async def note(self, address: str, what: str, *, guessed: bool) -> bool:
        """Count one refusal; wait as long as this address deserves when something was `guessed`, not merely left out.

        Returns False at once when too many wait already: the answer is then 429. `what` says which request, without values.
        """
        word = "with a wrong" if guessed else "without a"
        count = self._counted((address, word))
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th …: a log that nobody can fill
            _log.warning("a request %s token was refused: %s from %s (number %d)", word, what, address, count)
        if not guessed or count <= FREE:
            return True
        if self._waiting >= _MOST_WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(count - FREE - 1, 10)))
        finally:
            self._waiting -= 1
        return True

    def _counted(self, address: tuple[str, str]) -> int:
        now = time.monotonic()
        known = self._counts.get(address)
        if known is None or now - known.last > FORGOTTEN_S:
            known = self._counts[address] = _Count(0, now)
        known.refused += 1
        known.last = now
        self._counts.move_to_end(address)
        if len(self._counts) > _MOST_ADDRESSES:
            self._counts.popitem(last=False)
        return known.refused
