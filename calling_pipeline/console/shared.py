"""Facts of live parts, computed once for everybody who looks: fifty viewers cost what one does, and no connection each.

A key says what the facts are and whose: everything that narrows them (the tenant of the caller, a filter) belongs in it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

Value = TypeVar("Value")
MOST_KEPT = 500


@dataclass(eq=False)
class _Computation:
    """One computation; `until` is when its value is too old, None while it is computed."""

    future: Future[Any] = field(default_factory=Future)
    until: float | None = None


class Shared:
    """Values by key, each computed by one thread while the others that ask for it wait. `clock` gives seconds."""

    def __init__(self, *, most: int = MOST_KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Computation] = OrderedDict()

    def get(self, key: Hashable, seconds: float, compute: Callable[[], Value]) -> Value:
        """The value of `key`, computed at most once in `seconds`; `compute` must not ask for the same key.

        What `compute` raises is raised in every thread that waits for it and is not kept: the next one computes again.
        """
        with self._lock:
            found = self._kept.get(key)
            ours = found is None or (found.until is not None and found.until <= self._clock())
            computation = _Computation() if found is None or ours else found
            self._kept[key] = computation
            self._kept.move_to_end(key)
        if not ours:
            value: Value = computation.future.result()
            return value
        return self._computed(key, computation, seconds, compute)

    def clear(self) -> None:
        """Compute everything anew, also what is being computed now: something was changed."""
        with self._lock:
            self._kept.clear()

    def _computed(self, key: Hashable, computation: _Computation, seconds: float, compute: Callable[[], Value]) -> Value:
        try:
            value = compute()
        except BaseException as error:
            with self._lock:
                if self._kept.get(key) is computation:
                    del self._kept[key]
            computation.future.set_exception(error)
            raise
        with self._lock:
            computation.until = self._clock() + seconds
            self._forget_the_oldest()
        computation.future.set_result(value)
        return value

    def _forget_the_oldest(self) -> None:
        """Keep at most `most` values; what is being computed stays."""
        too_many = len(self._kept) - self._most
        for key in [key for key, one in self._kept.items() if one.until is not None][: max(0, too_many)]:
            del self._kept[key]
