"""smtplib with one limit for a whole dialogue: a server that answers a byte at a time does not hold it up."""

from __future__ import annotations

import select
import smtplib
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

_PIECE = 65536


class Dialogue(smtplib.SMTP):
    """One connection, all of whose waits end at `deadline` (a reading of `time.monotonic`).

    Raises `OSError` or `smtplib.SMTPServerDisconnected` when the connection breaks or the time is over.
    """

    def __init__(self, host: str, port: int, *, connect_s: float, context: Any = None) -> None:
        self.deadline = time.monotonic() + connect_s
        self._direct_tls = context
        super().__init__(timeout=connect_s, local_hostname="localhost")
        self._host = host  # what STARTTLS compares the certificate with
        code, said = self.connect(host, port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, said)

    def left_s(self) -> float:
        """Seconds left of the dialogue. Raises `TimeoutError` when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this dialogue is over")
        return left

    def quiet(self) -> bool:
        """Whether the connection stands and nothing was said that nobody asked for.

        An answer left over would be taken for that to the next mail.
        """
        sock, lines = self.sock, self.file
        if sock is None or (lines is not None and lines.waiting):
            return False
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return False
        return not select.select([sock], [], [], 0)[0]

    def send(self, s: Any) -> None:
        """Send all of it before the deadline."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        rest = memoryview(s.encode("ascii") if isinstance(s, str) else bytes(s))
        try:
            while rest:
                self.sock.settimeout(self.left_s())
                rest = rest[self.sock.send(rest[:_PIECE]) :]
        except OSError:
            self.close()
            raise

    def commands(self, commands: Iterable[str]) -> None:
        """Send several commands at once; each has its own `getreply`. Raises `ValueError` for one of more than a line."""
        lines = list(commands)
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a command of the mail dialogue is one line")
        self.send("".join(f"{line}\r\n" for line in lines))

    def getreply(self) -> tuple[int, bytes]:
        """The server's answer, whole before the deadline."""
        if self.file is None:
            self.file = _Lines(self)
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.create_connection((host, port), timeout)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the final dot is a packet of its own
        if self._direct_tls is None:
            return made
        made.settimeout(self.left_s())
        wrapped: socket.socket = self._direct_tls.wrap_socket(made, server_hostname=host)
        return wrapped


class _Lines:
    """What smtplib reads lines from."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._kept = b""

    @property
    def waiting(self) -> bool:
        """Whether something was read that no line has been made of."""
        return bool(self._kept)

    def readline(self, longest: int) -> bytes:
        """One line, at most `longest` bytes of it; empty at the end of the connection."""
        while b"\n" not in self._kept and len(self._kept) < longest:
            sock = self._dialogue.sock
            if sock is None:
                return b""
            sock.settimeout(self._dialogue.left_s())
            more = sock.recv(_PIECE)
            if not more:
                break
            self._kept += more
        end = self._kept.find(b"\n") + 1 or len(self._kept)
        line, self._kept = self._kept[: min(end, longest)], self._kept[min(end, longest) :]
        return line

    def close(self) -> None:
        """Nothing of its own is open."""
