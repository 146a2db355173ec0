"""The logs of child processes: appended, each start marked, their size limited, the last few kept.

A child writes to its file directly, so that its last words are kept whatever ends it. Its file cannot be renamed below it:
what is too long is copied and cut off, which works because the child appends. Nothing else is lost than what is written
between the two.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from calling_pipeline import days

LIMIT_BYTES = 10_000_000
KEPT = 3
"""How many older parts stay beside a log: `daemon.log.1` is the newest."""
_SHOWN_BYTES = 20_000


def opened(log: Path, what: str) -> BinaryIO:
    """The log, open for appending, with a line about this start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    output = log.open("ab")
    output.write(f"=== {days.now():%Y-%m-%d %H:%M:%S} {what} ===\n".encode())
    output.flush()
    return output


def rotate(log: Path, *, limit_bytes: int = LIMIT_BYTES) -> bool:
    """Put aside what is in the log when it is too long; the oldest part goes. Whether it was."""
    if not log.exists() or log.stat().st_size < limit_bytes:
        return False
    for number in range(KEPT, 1, -1):
        older = log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
    aside = log.with_name(f"{log.name}.1")
    shutil.copyfile(log, aside)
    aside.chmod(log.stat().st_mode & 0o777)
    with log.open("r+b") as file:
        file.truncate(0)
    return True


def last_lines(log: Path, lines: int = 5) -> str:
    """The end of a log, since its last start."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _SHOWN_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    before, _, newest = f"\n{text}".rpartition("\n=== ")
    since = newest.partition("\n")[2] if before or text.startswith("=== ") else text
    return "\n".join([line for line in since.splitlines() if line.strip()][-lines:])
