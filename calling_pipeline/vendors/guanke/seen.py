"""Which keys of a window were seen. Numbers that lie close together, as those of one day do, take a few bits each."""

from __future__ import annotations

from collections.abc import Iterable

_BITS = 8
_LOW = (1 << _BITS) - 1
_LEAST_PER_BLOCK = 3
"""With fewer numbers in a block of 256 on average, a plain set takes less memory."""
_JUDGED_FROM = 10_000


class SeenKeys:
    """A set that only grows. A day of 2,000,000 numbers in a row takes 1 MB, in a set of Python's 130 MB."""

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}
        self._numbers = 0
        self._others: set[object] = set()
        self._in_blocks = True

    def __len__(self) -> int:
        return self._numbers + len(self._others)

    def take(self, keys: Iterable[object]) -> list[bool]:
        """Add the keys; of each, in their order, whether it was new."""
        news, blocks = [], self._blocks
        for key in keys:
            if self._in_blocks and type(key) is int:
                number, bit = key >> _BITS, 1 << (key & _LOW)
                block = blocks.get(number, 0)
                new = not block & bit
                if new:
                    blocks[number] = block | bit
                    self._numbers += 1
            else:
                new = key not in self._others
                self._others.add(key)
            news.append(new)
        if self._in_blocks and _JUDGED_FROM < self._numbers < _LEAST_PER_BLOCK * len(blocks):
            self._leave_blocks()
        return news

    def _leave_blocks(self) -> None:
        for number, block in self._blocks.items():
            self._others.update((number << _BITS) + bit for bit in range(1 << _BITS) if block >> bit & 1)
        self._blocks.clear()
        self._numbers, self._in_blocks = 0, False
