"""What became of an act that must not happen twice."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["done", "refused", "retry", "unknown"]
"""What is known after one attempt.

- `done`: it happened.
- `refused`: it did not happen, and asking again would be refused again. Final.
- `retry`: it certainly did not happen (no connection, HTTP 429 or 503), so that it may be attempted again.
- `unknown`: it may have happened (no readable answer, or the process ended). Software never attempts it again; a person
  settles it.
"""
