"""Typed records of Infinity: what is asked of it and what it says, in our words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from calling_pipeline.at_most_once.outcome import Outcome

LineStatus = Literal["idle", "ringing", "off_hook", "talking", "not_registered"]
CallResult = Literal["connected", "not_connected", "busy", "cancelled", "failed"]
"""How a call ended."""


@dataclass(frozen=True)
class CallRequest:
    """One click-to-call. `destination` is the full number; `reference` is our own id of the call."""

    extension: str
    destination: str
    reference: str
    caller_number: str | None = None
    collector: str = ""
    customer: str = ""


@dataclass(frozen=True)
class CallAnswer:
    """What became of a request to call.

    `done`: Infinity rings the extension; `call_uuid` is its id of the call. Otherwise `sentence` says why, for an operator,
    and `code` is Infinity's own code or the name of the failure. `extension_fault`: the extension is to blame.
    """

    outcome: Outcome
    call_uuid: str = ""
    sentence: str = ""
    code: str = ""
    extension_fault: bool = False


@dataclass(frozen=True)
class BilledCall:
    """One line of Infinity's bill."""

    call_uuid: str
    extension: str
    destination: str
    caller_number: str
    started_at: dt.datetime
    duration_s: int
    hangup: str
    result: CallResult
    recording_file: str | None
