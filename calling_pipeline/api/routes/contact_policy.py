"""The contact policy over HTTP: the do-not-call list, holidays, and whether a number may be called now.

Numbers come in bodies, never in addresses, which are logged; every answer masks them.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import RuntimeDep, Short, Text
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.contact_policy import do_not_call, gate, holidays, list_files, store
from calling_pipeline.contact_policy.list_files import Imported
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt, Blocked, Verdict
from calling_pipeline.errors import NotFound
from calling_pipeline.masking import mask_phone
from calling_pipeline.phones import canonical_phone

router = APIRouter(prefix="/api/v1/policy", tags=["contact policy"])
Viewer = Annotated[Caller, Depends(requires("viewer", "policy"))]
Operator = Annotated[Caller, Depends(requires("operator", "policy"))]

LONGEST_FILE = 10_000_000
Phone = Annotated[Text, Field(min_length=1, max_length=40, description="in any spelling")]
_SHOWN = ("source", "expires_at", "note", "added_by", "added_at", "ended_by", "ended_why", "replaced_at")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Entry(_Body):
    """A number to put on the list."""

    phone: Phone
    source: Short = Field("manual", min_length=1, description="who asked for it; one entry per source")
    expires: dt.date | None = Field(None, description="last day of the entry; null: permanent")
    note: Text = Field("", max_length=500)


class Removal(_Body):
    """A number whose entries end now. They stay, with their end."""

    phone: Phone
    source: Short | None = Field(None, description="only this source's entry; null: every one")
    reason: Text = Field("", max_length=500)


class Asked(_Body):
    """A number to look up."""

    phone: Phone


class Question(_Body):
    """May this number be called now?"""

    phone: Phone
    policy: dict[str, Any] = Field(default_factory=dict, examples=[{"preset": "considerate"}])
    caller: Short | None = Field(None, description="the line that would call")


class Holiday(_Body):
    """A day on which a policy that is closed on holidays allows nothing."""

    day: dt.date
    name: Short = Field("holiday", min_length=1)


class Shown(TypedDict):
    """An entry of the list: number masked, who asked for it, until when."""

    phone: str
    source: str
    expires_at: dt.datetime | None
    note: str
    added_by: str
    added_at: dt.datetime
    ended_by: str
    ended_why: str
    replaced_at: dt.datetime | None


class SourceCount(TypedDict):
    """How many entries a source has, and how many of it have expired."""

    source: str
    entries: int
    expired: int


class Listed(TypedDict):
    """Entries, and how many each source has."""

    entries: list[Shown]
    sources: list[SourceCount]


class Added(BaseModel):
    """The number, masked; `changed`: it was not there before, or otherwise."""

    phone: str
    source: str
    changed: bool


class Ended(BaseModel):
    """The number, masked, and how many of its entries ended."""

    phone: str
    removed: int


class Withdrawn(BaseModel):
    """The day that is an ordinary one again."""

    day: dt.date


@router.get("/do-not-call", response_model=Success[Described[Listed]])
def list_entries(
    runtime: RuntimeDep,
    caller: Viewer,
    source: Annotated[Short | None, Query(description="only this source")] = None,
    expired: Annotated[bool, Query(description="expired entries too")] = False,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> object:
    """The list, newest entries first, and how many each source has."""
    now = days.now()
    with runtime.transaction() as connection:
        found = store.blocked(connection, now, source=source, with_expired=expired, limit=limit)
        counts = store.count_blocked(connection, now)
    sources = [{"source": name, "entries": entries, "expired": ended} for name, entries, ended in counts]
    return ok({"entries": [_shown(entry) for entry in found], "sources": sources})


@router.post("/do-not-call")
def add_entry(runtime: RuntimeDep, wanted: Entry, caller: Operator) -> Success[Added]:
    """Put a number on the list; `changed` says whether it was not there before, or otherwise."""
    with runtime.transaction() as connection:
        changed = do_not_call.add(
            connection, wanted.phone, source=wanted.source, expires=wanted.expires, note=wanted.note, by=caller.name
        )
    return ok(Added(phone=mask_phone(wanted.phone), source=wanted.source, changed=changed))


@router.post("/do-not-call/remove")
def remove_entries(runtime: RuntimeDep, wanted: Removal, caller: Operator) -> Success[Ended]:
    """End a number's entries now. They stay, with their end, in its history."""
    with runtime.transaction() as connection:
        removed = do_not_call.remove(connection, wanted.phone, source=wanted.source, by=caller.name, reason=wanted.reason)
    if not removed:
        raise NotFound(f"{mask_phone(wanted.phone)} is not on the do-not-call list")
    return ok(Ended(phone=mask_phone(wanted.phone), removed=removed))


@router.post("/do-not-call/history", response_model=Success[list[Described[Shown]]])
def history(runtime: RuntimeDep, wanted: Asked, caller: Viewer) -> object:
    """Everything that ever stood on the list about a number, the newest first."""
    phone = canonical_phone(wanted.phone)
    with runtime.transaction() as connection:
        standing = store.blocked(connection, days.now(), phone=phone, with_expired=True)
        return ok([_shown(entry) for entry in (*standing, *store.history(connection, phone))])


@router.post("/do-not-call/import")
def import_entries(
    runtime: RuntimeDep,
    caller: Operator,
    content: Annotated[bytes, Body(media_type="text/csv", max_length=LONGEST_FILE)],
    source: Annotated[Short, Query(min_length=1, description="who asked for it; one entry per source")] = "manual",
    expires: Annotated[dt.date | None, Query(description="last day of the entries; left out: permanent")] = None,
    dry_run: Annotated[bool, Query(description="say what would be done, and do nothing")] = False,
    shown: Annotated[int, Query(ge=0, le=1000, description="how many lines the answer names")] = list_files.SHOWN,
) -> Success[Imported]:
    """Read numbers from a CSV (UTF-8 or GB18030) with a column `phone` (and `expires`, `note`), or one number per line."""
    with tempfile.TemporaryDirectory() as folder, runtime.transaction() as connection:
        file = Path(folder) / "imported.csv"
        file.write_bytes(content)
        done = list_files.import_file(
            connection, file, source=source, expires=expires, by=caller.name, dry_run=dry_run, shown=shown
        )
    return ok(done)


@router.post("/check")
def check(runtime: RuntimeDep, wanted: Question, caller: Viewer) -> Success[Verdict]:
    """Whether a number may be called now, by which rule not, and when else. Records nothing."""
    wish = Attempt(canonical_phone(wanted.phone), "policy", "check", days.now(), wanted.caller)
    with runtime.transaction() as connection:
        return ok(gate.check(connection, wish, policy_from(wanted.policy)))


@router.get("/holidays")
def list_holidays(runtime: RuntimeDep, caller: Viewer) -> Success[list[Holiday]]:
    """Every holiday, in order."""
    with runtime.transaction() as connection:
        return ok([Holiday(day=day, name=name) for day, name in store.all_holidays(connection)])


@router.put("/holidays")
def declare_holiday(runtime: RuntimeDep, wanted: Holiday, caller: Operator) -> Success[Holiday]:
    """Make a day a holiday, or give it another name."""
    with runtime.transaction() as connection:
        holidays.declare(connection, wanted.day, wanted.name, by=caller.name)
    return ok(wanted)


@router.delete("/holidays/{day}")
def withdraw_holiday(runtime: RuntimeDep, day: dt.date, caller: Operator) -> Success[Withdrawn]:
    """Make a day an ordinary one again."""
    with runtime.transaction() as connection:
        holidays.withdraw(connection, day, by=caller.name)
    return ok(Withdrawn(day=day))


def _shown(entry: Blocked) -> dict[str, Any]:
    return {"phone": mask_phone(entry.phone), **{name: getattr(entry, name) for name in _SHOWN}}
