"""One `up` for one CALLING_HOME: who it is, and what an earlier one left there."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from calling_pipeline.cli.machine import record as records
from calling_pipeline.cli.machine.leftovers import take_down
from calling_pipeline.errors import Conflict

_LOCK = "up.lock"
_PATIENCE_S = 2.0


class Alone:
    """Held while an `up` runs; the system frees it when its process ends, whatever ended it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._descriptor: int | None = None

    def take(self, say: Callable[[str], None]) -> Sequence[str]:
        """Be the only `up` of this home, and end what an earlier one left; returns what was ended, in words.

        Raises `Conflict` while another one runs.
        """
        descriptor = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _PATIENCE_S  # for one that is killed at this moment
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise Conflict(self._taken())
            time.sleep(0.05)
        self._descriptor = descriptor
        left = records.read(self._home)
        return take_down(self._home, left, say) if left is not None else []

    def free(self) -> None:
        """Let another one run."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _taken(self) -> str:
        other = records.read(self._home)
        who = f" (process {other.up.pid})" if other is not None else ""
        return (
            f"another `calling-pipeline up`{who} serves {self._home} already; end it with `make down`"
            " (`calling-pipeline down`) before you start one"
        )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
