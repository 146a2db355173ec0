"""The process that outlives a killed `up` for some seconds, to end what it left: `python -m …keeper HOME MARK`.

`up` holds the other end of the pipe that this one reads. It closes when `up` ends, whatever ended it; before an orderly end
`up` writes into it. This works where the system has no signal for a parent's end, and for processes that are no children
of `up`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from calling_pipeline import days
from calling_pipeline.cli.machine import logs
from calling_pipeline.cli.machine.leftovers import take_down
from calling_pipeline.cli.machine.record import Record, read

_IN_ORDER = b"in order\n"


class Keeper:
    """The keeper as `up` sees it: started at once, started again when it was ended."""

    def __init__(self, home: Path, mark: str, environment: Mapping[str, str]) -> None:
        self._home, self._mark, self._environment = home, mark, environment
        self._read_end, self._write_end = os.pipe()
        self._process = self._start()

    def ensure(self) -> bool:
        """Start it again if it has ended; whether it had."""
        if self._process.poll() is None:
            return False
        self._process = self._start()
        return True

    def dismiss(self) -> None:
        """End it, with nothing left for it to do."""
        os.write(self._write_end, _IN_ORDER)
        os.close(self._write_end)
        os.close(self._read_end)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "calling_pipeline.cli.machine.keeper", str(self._home), self._mark]
        with logs.opened(self._home / "logs" / "keeper.log", "start of keeper") as output:
            return subprocess.Popen(
                command,
                stdin=self._read_end,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self._environment),
                start_new_session=True,
            )


def main(home: Path, mark: str) -> None:
    """Wait for the end of `up`, then end what is left of it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    known = read(home)
    if sys.stdin.buffer.read() == _IN_ORDER:
        return
    newest = read(home)
    record = newest if newest is not None and newest.mark == mark else known
    if isinstance(record, Record) and record.mark == mark:
        _say("`calling-pipeline up` ended without stopping what it had started")
        for one in take_down(home, record, _say):
            _say(f"ended {one}")


def _say(sentence: str) -> None:
    with suppress(OSError):
        print(f"{days.now():%Y-%m-%d %H:%M:%S} {sentence}", flush=True)  # noqa: T201 - into its log


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
