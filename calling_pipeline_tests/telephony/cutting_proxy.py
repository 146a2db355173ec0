"""A TCP proxy before PostgreSQL that cuts connections at a COMMIT: before the server gets it, or before its answer."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.engine import URL

Cut = Literal["before", "after", "not"]


def now_and_then(seed: int, rate: float) -> Callable[[], Cut]:
    """Cuts that share of the commits, half of them before and half of them after the server has carried them out."""
    choice = random.Random(seed)
    guard = threading.Lock()

    def decide() -> Cut:
        with guard:
            return ("before" if choice.random() < 0.5 else "after") if choice.random() < rate else "not"

    return decide


@contextmanager
def cutting_proxy(url: URL, decide: Callable[[], Cut]) -> Iterator[URL]:
    """The address of the proxy before the server of `url`; `decide` is asked at every COMMIT."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                client, _ = listener.accept()
                threading.Thread(target=_carry, args=(client, url, decide), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield url.set(host="127.0.0.1", port=listener.getsockname()[1], query={})
    finally:
        over.set()
        listener.close()


def _carry(client: socket.socket, url: URL, decide: Callable[[], Cut]) -> None:
    """Carry both directions until one side closes, or until the cut; a commit is sent by itself and waited for."""
    server = _connect(url)
    answers = threading.Thread(target=_copy, args=(server, client), daemon=True)
    answers.start()
    with contextlib.suppress(OSError):
        while data := client.recv(65_536):
            cut = decide() if b"COMMIT" in data else "not"
            if cut == "before":
                break
            if cut == "after":
                # nothing more reaches the client; the server's own end shows that it has carried out what it was sent
                client.shutdown(socket.SHUT_RDWR)
                server.sendall(data + b"X\x00\x00\x00\x04")
                answers.join()
                break
            server.sendall(data)
    for end in (client, server):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def _copy(server: socket.socket, client: socket.socket) -> None:
    """What the server says, to the client; read to its end even when the client is gone."""
    gone = False
    with contextlib.suppress(OSError):
        while data := server.recv(65_536):
            if not gone:
                try:
                    client.sendall(data)
                except OSError:
                    gone = True
    if not gone:
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def _connect(url: URL) -> socket.socket:
    folder = url.query.get("host")
    if isinstance(folder, str) and folder.startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{folder}/.s.PGSQL.{url.port or 5432}")
        return server
    return socket.create_connection((url.host or "127.0.0.1", url.port or 5432))
