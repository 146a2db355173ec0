"""One number: may it be called now, what stands on the do-not-call list about it, and what was done with it lately.

A number comes in a form and stands in addresses encrypted; pages show it masked.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.pages.policy.handles import address_of, number_of
from calling_pipeline.console.pages.policy.rules_in_use import Rules, rules_in_use
from calling_pipeline.console.views import View, viewing
from calling_pipeline.contact_policy import do_not_call, gate, store
from calling_pipeline.contact_policy.records import Attempt, Blocked, Verdict
from calling_pipeline.errors import NotFound
from calling_pipeline.masking import mask_digits, mask_phone
from calling_pipeline.phones import canonical_phone

router = APIRouter(tags=["policy"])
Viewer = Annotated[View, Depends(viewing("viewer", "policy"))]
Operator = Annotated[View, Depends(viewing("operator", "policy"))]
Text = Annotated[str, Form(max_length=500)]
RECENT = 20
_TONES = {"active": "bad", "expired": "quiet", "removed": "quiet"}


@dataclass(frozen=True)
class Judged:
    """What the rules of one side say of the number now."""

    rules: Rules
    verdict: Verdict


@dataclass(frozen=True)
class Standing:
    """An entry of the list as a page shows it. `state` is none for what stood before a change."""

    entry: Blocked
    state: str | None
    tone: str
    note: str
    why: str


@router.post("/policy/number")
def look_up(view: Viewer, phone: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Lead to the page of a number."""
    return view.leads(address_of(view, canonical_phone(phone)))


@router.get("/policy/numbers/{handle}")
def show(view: Viewer, handle: str) -> Response:
    """One number: the verdict of every policy in use at this moment, its entries and their history, its latest calls."""
    phone, now = number_of(view, handle), days.now()
    with view.transaction() as connection:
        rules = rules_in_use(connection, view)
        wish = Attempt(phone, "policy", "check", now)
        verdicts = gate.check_under(connection, wish, [one.policy for one in rules])
        standing = store.blocked(connection, now, phone=phone, with_expired=True)
        before = store.history(connection, phone)
        recent = store.recent(connection, phone, tenant_id=view.caller.tenant, limit=RECENT)
    return view.page(
        "policy/number.html",
        number=mask_phone(phone),
        handle=handle,
        judged=[Judged(*pair) for pair in zip(rules, verdicts, strict=True)],
        standing=[_standing(entry, now) for entry in standing],
        before=[_standing(entry) for entry in before],
        active=any(entry.state(now) == "active" for entry in standing),
        recent=[replace(one, reference=mask_digits(one.reference)) for one in recent],
        most=RECENT,
    )


@router.get("/policy/numbers/{handle}/add")
def ask_to_add(view: Operator, handle: str) -> Response:
    """The form that puts this number on the list."""
    number = mask_phone(number_of(view, handle))
    return view.page("policy/add.html", number=number, action=f"/policy/numbers/{handle}/add", handle=handle)


@router.post("/policy/numbers/{handle}/add")
def add(view: Operator, handle: str, source: Text = "", expires: Text = "", reason: Text = "") -> Response:
    """Put this number on the list."""
    return put_on_the_list(view, number_of(view, handle), source, expires, reason, back=f"/policy/numbers/{handle}")


@router.get("/policy/numbers/{handle}/remove")
def ask_to_remove(view: Operator, handle: str) -> Response:
    """The form that ends this number's entries, with those that it would end."""
    phone, now = number_of(view, handle), days.now()
    with view.transaction() as connection:
        found = store.blocked(connection, now, phone=phone)
    entries = [_standing(entry, now) for entry in found]
    return view.page("policy/remove.html", number=mask_phone(phone), handle=handle, entries=entries)


@router.post("/policy/numbers/{handle}/remove")
def remove(view: Operator, handle: str, source: Text = "", reason: Text = "") -> Response:
    """End the entries of this number now, of one source or of all. They stay, with their end."""
    phone = number_of(view, handle)
    with view.transaction() as connection:
        ended = do_not_call.remove(connection, phone, source=source or None, by=view.caller.name, reason=reason)
    if not ended:
        raise NotFound(f"{mask_phone(phone)} is not on the do-not-call list")
    return view.done("policy.removed", back=f"/policy/numbers/{handle}", number=mask_phone(phone), n=ended)


def put_on_the_list(view: View, phone: str, source: str, expires: str, reason: str, *, back: str) -> Response:
    """Put a number on the list, and say whether anything changed."""
    last = days.parse_day(expires, field="expires") if expires.strip() else None
    with view.transaction() as connection:
        changed = do_not_call.add(connection, phone, source=source, expires=last, note=reason.strip(), by=view.caller.name)
    if changed:
        return view.done("policy.added", back=back, number=mask_phone(phone), source=source.strip())
    return view.done("policy.added_before", back=back, number=mask_phone(phone), source=source.strip())


def _standing(entry: Blocked, now: dt.datetime | None = None) -> Standing:
    state = entry.state(now) if now is not None else None
    return Standing(entry, state, _TONES[state] if state else "quiet", mask_digits(entry.note), mask_digits(entry.ended_why))
