"""A TCP proxy before PostgreSQL that cuts commits and leaves connections half open.

A commit is cut before it reaches the server (it did not happen) or after the server's answer (it did, and nobody hears so).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from concurrent.futures import Future
from typing import Any

from calling_pipeline_tests.support import LIMIT_S

_CHUNK = 1 << 16
_COMMIT = b"COMMIT\x00"


class CuttingProxy:
    """Serves `127.0.0.1:port` in a thread of its own and passes everything on to the server's Unix socket."""

    def __init__(self, socket_path: str, *, seed: int, cut_rate: float) -> None:
        self.counted: Counter[str] = Counter()
        self.cut_rate = cut_rate
        self._socket_path = socket_path
        self._dice = random.Random(f"proxy {seed}")
        self._frozen: dict[asyncio.Task[None], asyncio.Event] = {}
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> int:
        """Begin to listen; the port."""
        self._thread.start()
        server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._server = server
        return int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()

    def freeze(self, share: float, *, for_s: float) -> int:
        """Leave about `share` of the connections half open for a while, then cut them; how many."""
        return int(self._run(self._freeze(share, for_s)))

    def _run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(LIMIT_S)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._frozen):
            task.cancel()
        await asyncio.gather(*self._frozen, return_exceptions=True)

    async def _freeze(self, share: float, for_s: float) -> int:
        chosen = [(task, event) for task, event in self._frozen.items() if self._dice.random() < share]
        for task, event in chosen:
            event.clear()
            self._loop.call_later(for_s, task.cancel)
        self.counted["half open"] += len(chosen)
        return len(chosen)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        flows = asyncio.Event()
        flows.set()
        self._frozen[task] = flows
        server_writer = None
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._socket_path)
            cut = asyncio.Event()
            ways = [
                asyncio.create_task(self._to_server(reader, server_writer, flows, cut)),
                asyncio.create_task(self._to_client(server_reader, writer, flows, cut)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._frozen.pop(task, None)
            for end in (writer, server_writer):
                if end is not None:
                    end.transport.abort()

    async def _to_server(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event, cut: asyncio.Event
    ) -> None:
        while data := await reader.read(_CHUNK):
            await flows.wait()
            if _COMMIT in data and self._dice.random() < self.cut_rate:
                if self._dice.random() < 0.5:
                    self.counted["commits cut before"] += 1
                    return
                self.counted["commits cut after"] += 1
                cut.set()
            writer.write(data)
            await writer.drain()

    async def _to_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event, cut: asyncio.Event
    ) -> None:
        while data := await reader.read(_CHUNK):
            await flows.wait()
            if cut.is_set():
                return
            with contextlib.suppress(ConnectionError):
                writer.write(data)
                await writer.drain()
