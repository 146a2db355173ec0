"""The sockets that servers listen on, and how a server ends."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from calling_pipeline.cli.machine.processes import described, listening_on
from calling_pipeline.cli.supervisor import interruptible
from calling_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
LOOK_EVERY_S = 1.0


def listen(host: str, port: int, *, setting: str, option: str = "--port or ") -> socket.socket:
    """A listening socket; `ConfigurationError` naming who has the port, and `setting`, when it cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        holder = listening_on(port)
        who = f"; {described(holder)} listens there: end it, or" if holder is not None else ";"
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror}){who} choose another with {option}{setting}"
        ) from error
    return listener


def serve(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, and return: what this process has opened is given back then.

    Without this SIGTERM would end the process at once after the server has stopped: uvicorn raises the signal again.
    """
    _look_rarely(server)
    with interruptible(), suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _look_rarely(server: uvicorn.Server) -> None:
    """Let `server` look each second whether it is to end, and at once on a signal; it looked ten times per second."""
    asked, handle_exit = asyncio.Event(), server.handle_exit

    def ask(sig: int, frame: FrameType | None) -> None:
        handle_exit(sig, frame)
        asked.set()

    async def main_loop() -> None:
        tenths = 0
        while not await server.on_tick(tenths):
            tenths += 10  # as uvicorn counts them
            with suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), LOOK_EVERY_S)

    server.handle_exit = ask  # type: ignore[method-assign]
    server.main_loop = main_loop  # type: ignore[method-assign]
