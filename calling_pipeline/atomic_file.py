"""Replacing a file that people edit too: lock, re-read, change, write beside, fsync, rename.

At every instant the file is whole, the old or the new one; the last version stays beside it as `.bak`. Texts of errors say
which file it is; what is in it is the caller's business.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from calling_pipeline.errors import Busy, Conflict, InvalidInput, NotFound

ROUNDS = 10
Change = Callable[[bytes], bytes]
Identity = tuple[int, int, int]


def read(path: Path) -> bytes:
    """The file's bytes. Raises `NotFound` when it does not exist, `InvalidInput` when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"the file {path} does not exist") from error
    except OSError as error:
        raise InvalidInput(f"the file {path} cannot be read: {error.strerror}") from error


def replace(path: Path, change: Change) -> bool:
    """Replace the file by what `change` makes of its bytes as they are now; False when that is the same.

    An edit made at the same time is not lost: the file is read again. Raises `NotFound` when it does not exist, `Conflict`
    when it may not be written or the disk is full, `Busy` when it keeps changing; in each case it is as it was.
    """
    target = path.resolve()
    with _locked(target):
        for _ in range(ROUNDS):
            before = _identity(target)
            old = read(target)
            new = change(old)
            if new == old:
                return False
            if _swap(target, old, new, before):
                return True
    raise Busy(f"the file {path} keeps changing; it was left alone, and is written in the next round")


def create(path: Path, content: bytes) -> None:
    """Write a file that does not exist, whole or not at all. Raises `Conflict` when it exists."""
    with _locked(path.resolve()):
        if path.exists():
            raise Conflict(f"the file {path} exists")
        draft = _draft(path.resolve())
        _write(draft, content, 0o644)
        os.replace(draft, path.resolve())
        _sync_folder(path.resolve().parent)


def _swap(target: Path, old: bytes, new: bytes, before: Identity) -> bool:
    """Write `new` beside and rename it into place; False when the file is no longer what was read."""
    mode = stat.S_IMODE(target.stat().st_mode)
    if not mode & 0o222:
        raise Conflict(f"the file {target} is read-only; make it writable, and it will be written in the next round")
    draft, backup = _draft(target), _draft(target, "bak")
    try:
        _write(draft, new, mode)
        _write(backup, old, mode)
        if _identity(target) != before:
            return False
        os.replace(backup, target.with_name(f"{target.name}.bak"))
        os.replace(draft, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise Conflict(
            f"the file {target} could not be written ({error.strerror}); it is as it was"
            " and will be written in the next round"
        ) from error
    finally:
        for left in (draft, backup):
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return True


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _draft(target: Path, what: str = "new") -> Path:
    """One name for all processes, so that the next one overwrites what a killed one left; the lock guards it."""
    return target.with_name(f".{target.name}.{what}~")


def _identity(target: Path) -> Identity:
    try:
        now = target.stat()
    except OSError as error:
        raise NotFound(f"the file {target} does not exist") from error
    return now.st_ino, now.st_mtime_ns, now.st_size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Writers of the files of one folder take turns; the lock of a killed one is freed."""
    try:
        descriptor = os.open(target.parent, os.O_RDONLY)
    except OSError as error:
        raise NotFound(f"the folder of {target} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
