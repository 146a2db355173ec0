"""How many requests a vendor gets at once: fewer after it answered 429, gradually more after answers that went well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SHORTEST_PAUSE_S = 0.05


class ConcurrencyLimit:
    """At most `most` turns at once.

    A 429 pauses every turn and halves their number, once per pause; each turn that succeeds afterwards raises it a little.
    So sixteen refused requests do not return together to be refused together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._flying = 0
        self._quiet_until = 0.0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the pause to end and for a free place, and hold the place."""
        loop = asyncio.get_running_loop()
        while True:
            if (pause := self._quiet_until - loop.time()) > 0:
                await asyncio.sleep(pause)
                continue
            async with self._changed:
                await self._changed.wait_for(self._is_free)
                if self._quiet_until <= loop.time():
                    self._flying += 1
                    break
        try:
            yield
        finally:
            self._flying -= 1
            async with self._changed:
                self._changed.notify_all()

    def went_well(self) -> None:
        """The vendor answered. After as many answers as there are places, there is one place more."""
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)

    def refused_for(self, seconds: float) -> None:
        """The vendor asked for a pause."""
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._allowed = max(1.0, self._allowed / 2)
        self._quiet_until = max(self._quiet_until, now + max(seconds, SHORTEST_PAUSE_S))

    def _is_free(self) -> bool:
        return self._flying < int(self._allowed)
