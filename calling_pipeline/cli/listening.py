"""The sockets that servers listen on."""

from __future__ import annotations

import socket

from calling_pipeline.errors import ConfigurationError

HOST = "127.0.0.1"


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """A listening socket; `ConfigurationError` naming `setting` when the port is taken or not allowed."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port or {setting}"
        ) from error
    return listener
