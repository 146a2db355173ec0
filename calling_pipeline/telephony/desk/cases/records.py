"""Typed records of collectors' cases. A leaf: imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

CaseState = Literal["open", "done"]
CASE_STATES: tuple[CaseState, ...] = ("open", "done")
CallResult = Literal["promised", "paid", "declined", "no_answer", "busy", "wrong_number", "call_back", "other"]
RESULTS: Mapping[CallResult, bool] = {
    "promised": False,
    "paid": True,
    "declined": False,
    "no_answer": False,
    "busy": False,
    "wrong_number": True,
    "call_back": False,
    "other": False,
}
"""What a collector says came of a call, and whether the case is usually done with it."""


@dataclass(frozen=True)
class Case:
    """One customer whom one collector is to call; the phone is masked.

    `next_call_at`: not to be called before; `calls`: how often the button was pressed for it.
    """

    id: int
    tenant_id: int
    collector_id: int
    customer_name: str
    phone_masked: str
    note: str
    source: Literal["import", "typed"]
    state: CaseState
    place: int
    result: CallResult | None
    remark: str
    next_call_at: dt.datetime | None
    calls: int
    last_run: int
    created_at: dt.datetime
    created_by: str
    updated_at: dt.datetime
    done_at: dt.datetime | None


@dataclass(frozen=True)
class NewCase:
    """What a case is made of. `phone` as it was written."""

    collector_id: int
    phone: str = field(repr=False)
    customer_name: str = ""
    note: str = ""


@dataclass(frozen=True)
class CaseFilter:
    """Which cases a list shows; None: all."""

    tenant_id: int | None = None
    collector_id: int | None = None
    state: CaseState | None = None
    result: CallResult | None = None
