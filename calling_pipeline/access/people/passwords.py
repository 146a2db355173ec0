"""Passwords: hashed by argon2id, verified by few threads at once, and with the same work for a name that nobody has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from calling_pipeline.access.people.records import LONGEST_PASSWORD, SHORTEST_PASSWORD
from calling_pipeline.errors import Busy, InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = 2
"""Each verification takes 64 MiB and a core for some tens of milliseconds."""
_PATIENCE_S = 5.0
_running = threading.BoundedSemaphore(AT_ONCE)
_waiting = threading.BoundedSemaphore(8 * AT_ONCE)


def hashed(password: str) -> str:
    """The hash to store. Raises `InvalidInput` for a password that is too short or too long, `Busy` like `matches`."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", field="password")
    with _one_of_few():
        return _hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one that `stored` was made of. Blocks for some tens of milliseconds.

    Without a stored hash another one is verified, so that nobody learns from the time which names exist. Raises `Busy`
    when too many are being verified.
    """
    with _one_of_few():
        try:
            _hasher().verify(stored or _nobodys(), password[:LONGEST_PASSWORD])
        except (_argon2().exceptions.VerificationError, _argon2().exceptions.InvalidHashError):
            return False
    return stored is not None


@cache
def _hasher() -> PasswordHasher:
    hasher: PasswordHasher = _argon2().PasswordHasher()
    return hasher


def _argon2() -> ModuleType:
    import argon2  # noqa: PLC0415 - 35 ms of every command

    return argon2


@cache
def _nobodys() -> str:
    return _hasher().hash("no person has this password")


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _waiting.acquire(blocking=False):
        raise Busy("too many people log in at this moment; try again in some seconds")
    try:
        if not _running.acquire(timeout=_PATIENCE_S):
            raise Busy("too many people log in at this moment; try again in some seconds")
        try:
            yield
        finally:
            _running.release()
    finally:
        _waiting.release()
