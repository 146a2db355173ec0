"""Ending on SIGTERM without leaving a call in doubt: nothing new is sent, and the answers on their way are awaited."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`; a SIGTERM cancels `work`, waits for it, and then takes the effect it had before."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    previous = signal.getsignal(signal.SIGTERM)
    told = False

    async def until_told() -> T:
        task = asyncio.current_task()
        assert task is not None

        def tell() -> None:
            nonlocal told
            told = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, tell)
        return await work

    try:
        return asyncio.run(until_told())
    finally:
        signal.signal(signal.SIGTERM, previous)
        if told:
            os.kill(os.getpid(), signal.SIGTERM)
