"""Helpers of tests that are no fixtures: the simulator seen from a test, names, waiting for a condition."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Simulator:
    """A running simulator. `url` + `/guanke`, `/gateway`, … are the vendors' base URLs."""

    url: str

    def plant(
        self, kind: str, *, path: str = "", times: int | None = 1, rate: float = 1.0, after: bool = False, **options: Any
    ) -> None:
        """Plant one fault."""
        fault = {"kind": kind, "path": path, "times": times, "rate": rate, "after": after, "options": options}
        httpx.post(f"{self.url}/_sim/faults", json=fault).raise_for_status()

    def clear_faults(self) -> None:
        httpx.delete(f"{self.url}/_sim/faults").raise_for_status()

    def get(self, path: str, **params: Any) -> Any:
        """JSON of one of the simulator's own pages."""
        return httpx.get(self.url + path, params=params).raise_for_status().json()


def free_name(prefix: str = "test") -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def eventually(condition: Callable[[], Any], *, within_s: float = 10.0, every_s: float = 0.02) -> Any:
    """The first truthy value of `condition`, asked again and again; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            assert value, f"not within {within_s} s: {condition}"
            return value
        time.sleep(every_s)
