"""Ending on SIGTERM without leaving an act in doubt: nothing new is begun, and outcomes on their way are awaited.

`StopRequest` is the same for a person at a terminal, with Ctrl-C too: the work learns of the wish and ends as it likes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class StopRequest:
    """The wish of a person to end: Ctrl-C or SIGTERM. The first asks the work to end in good order, the second ends it now.

    While the work of `run` is under way, the second signal cancels it; otherwise it raises `KeyboardInterrupt`.
    """

    def __init__(self) -> None:
        self.requested = False
        self.hurried = False
        """Whether it was wished twice: nothing is to be waited for any more."""
        self._asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[Any] | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block both signals are taken as the wish. In another than the main thread there are none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {name: signal.signal(name, self._received) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for name, handler in previous.items():
                signal.signal(name, handler)

    async def wait(self) -> None:
        """Wait for the wish."""
        if not self.requested:
            await self._asked.wait()

    def attach(self, work: asyncio.Task[Any] | None) -> None:
        """The signals concern `work` of the running loop; None: nothing any more."""
        self._loop, self._work = (None, None) if work is None else (work.get_loop(), work)

    def request(self) -> None:
        """Wish for an end, as the first signal does."""
        self.requested = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._asked.set)

    def _received(self, *_: object) -> None:
        if not self.requested:
            self.request()
        elif self._loop is not None and self._work is not None:
            self.hurried = True
            self._loop.call_soon_threadsafe(self._work.cancel)
        else:
            raise KeyboardInterrupt


def run(work: Coroutine[Any, Any, T], stop: StopRequest | None = None) -> T:
    """`asyncio.run`, during which a SIGTERM cancels `work` and waits for it; then the signal has its usual effect.

    With `stop`, the work is to listen to it instead.
    """
    if stop is not None:
        return asyncio.run(_until_stopped(work, stop))
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    previous = signal.getsignal(signal.SIGTERM)
    terminated = False

    async def until_terminated() -> T:
        task = asyncio.current_task()
        assert task is not None

        def cancel() -> None:
            nonlocal terminated
            terminated = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cancel)
        return await work

    try:
        return asyncio.run(until_terminated())
    finally:
        signal.signal(signal.SIGTERM, previous)
        if terminated:
            os.kill(os.getpid(), signal.SIGTERM)


async def _until_stopped(work: Coroutine[Any, Any, T], stop: StopRequest) -> T:
    stop.attach(asyncio.current_task())
    try:
        return await work
    finally:
        stop.attach(None)
