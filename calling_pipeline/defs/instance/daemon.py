"""Dagster's daemon, loaded while the code server still starts: `python -m …instance.daemon HOST PORT WORKSPACE`.

It begins when the code server takes connections: a daemon that is there earlier finds no code, and looks again a minute
later.
"""

from __future__ import annotations

import socket
import sys
import time

from dagster._daemon.cli import run_command

_PATIENCE_S = 120.0


def wait_for(host: str, port: int) -> None:
    """Wait until something takes connections there; after `_PATIENCE_S` the daemon shall say itself what is missing."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    wait_for(sys.argv[1], int(sys.argv[2]))
    run_command(["-w", sys.argv[3]], prog_name="dagster-daemon run", standalone_mode=True)
