"""Contract ledgers as files: the name one is known by, and reading one."""

from __future__ import annotations

from pathlib import Path

from calling_pipeline import atomic_file
from calling_pipeline.notifications.contracts.contract_ledger import LedgerFile, parse


def key_of(path: Path) -> str:
    """The name a ledger file is known by: its full path. One that was moved is recognised by `moving.py`."""
    return str(path.expanduser().resolve())


def read_ledger(path: Path) -> LedgerFile:
    """Read and parse a ledger. Raises `NotFound` or `InvalidInput` when nothing of it can be used."""
    return parse(atomic_file.read(path))
