"""Ending on SIGTERM without leaving an act in doubt: nothing new is begun, and outcomes on their way are awaited."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, during which a SIGTERM cancels `work` and waits for it; then the signal has its usual effect."""
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
