"""Redial rules of a calling task: after which result of the last call a number may be called again, when, how often."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

RedialResult = Literal["not_connected", "no_answer", "busy", "not_dialled", "short_talk"]
REDIAL_RESULTS: tuple[RedialResult, ...] = get_args(RedialResult)
"""Results after which a rule may have a number called again. Of a call that was not connected a rule of `no_answer` or
`busy` goes before one of `not_connected`. A call without a record is none of them: nobody knows whether the person was
reached.
"""
REDIAL_SAID: Mapping[str, str] = {
    "not_connected": "the last call was not connected",
    "no_answer": "nobody answered the last call",
    "busy": "the line was busy at the last call",
    "not_dialled": "the last call was not dialled",
    "short_talk": "the last talk was short",
}
"""Results for people."""


@dataclass(frozen=True)
class RedialRule:
    """One rule: the result of the last call, hours since the last contact, and how many redials at most.

    `at_most` counts every redial of one number by this task, whatever its rule; the first call is none of them. `below_s`:
    a talk of fewer seconds was a short one; of `short_talk` only.
    """

    result: RedialResult
    after_hours: float
    at_most: int
    below_s: int | None = None


@dataclass(frozen=True)
class RedialVerdict:
    """What the rules say about a number whose last call was `redial_of`.

    `rule`: the result of the rule about that call, None while its result is not known. `free_at`: from when the hours of the
    rule are over. `reason`: why the number is not redialled now, None when it may be.
    """

    phone: str = field(repr=False)
    redial_of: int
    rule: str | None
    free_at: dt.datetime | None
    reason: str | None
