"""How logins are slowed down, and how long a link is valid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

LINK_VALID = dt.timedelta(minutes=10)
FORGOTTEN_AFTER = dt.timedelta(minutes=15)
"""After so long without an attempt the count begins anew."""


@dataclass(frozen=True)
class Slowing:
    """After `free` attempts without success each next one waits twice as long as the one before, at most `longest_s`."""

    free: int
    longest_s: float


OF_A_NAME = Slowing(free=5, longest_s=60)
"""Short: otherwise whoever knows a name could keep that person out."""
OF_AN_ADDRESS = Slowing(free=30, longest_s=900)
"""Many people may share one address, and log in from it at the same hour."""
