"""Dagster's daemon, loaded while the code server still starts: `python -m …instance.daemon HOST PORT WORKSPACE`.

It begins when the code server takes connections: a daemon that is there earlier finds no code, and looks again a minute
later.
"""

from __future__ import annotations

import os
import socket
import sys
import time

# s; read when Dagster's modules are imported. A run whose process died, and an asset that was not materialized in time, are
# noticed by so much later; nobody waits for either.
os.environ.setdefault("DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS", "15")
os.environ.setdefault("FRESHNESS_DAEMON_INTERVAL_SECONDS", "120")

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
