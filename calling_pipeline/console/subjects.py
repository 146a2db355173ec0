"""Where the subject of an act has its page: `batch:17` is `/batches/17`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from calling_pipeline.access.people.records import Room
from calling_pipeline.console.views import View
from calling_pipeline.settings import Role


@dataclass(frozen=True)
class _Page:
    """A route, who may open it, and the address there of what was named (with the tenant of the act)."""

    route: str
    address: Callable[[str, int | None], str]
    room: Room
    role: Role = "viewer"


def _filled(route: str, room: Room) -> _Page:
    """The route whose one parameter is what was named."""
    before, _, rest = route.partition("{")
    after = rest.partition("}")[2]
    return _Page(route, lambda named, _: f"{before}{quote(named, safe='')}{after}", room)


def _found(route: str, query: str, room: Room, role: Role = "viewer") -> _Page:
    """The list that shows what was named by a filter."""
    return _Page(route, lambda named, _: f"{route}?{query}{quote(named, safe=':')}", room, role)


def _whole(route: str, room: Room) -> _Page:
    """The page that holds it among others."""
    return _Page(route, lambda *_: route, room)


_COLLECTOR = "/telephony/collectors/{tenant_id}/{collector_id}"
_CERTIFICATE = "/policy/certificates/{certificate_id}"
_MESSAGES = "/notifications/{box}/messages"
_MESSAGE = _MESSAGES + "/{message_id}"
_PAGES: Mapping[str, _Page] = {
    "batch": _filled("/batches/{batch_id}", "batches"),
    "calling_task": _whole("/batches/tasks", "batches"),
    "call_history_source": _Page("/batches/history/import", lambda *_: "/batches/history/import", "batches", "operator"),
    "person": _found("/people", "name=", "people", "admin"),
    "task": _found("/ledger/task", "id=", "ledger"),
    "person_certificate": _Page(
        "/policy/certificates/{certificate_id}", lambda named, _: f"/policy/certificates/{quote(named)}", "policy", "admin"
    ),
    "do_not_call": _whole("/policy/do-not-call", "policy"),
    "do_not_call_source": _found("/policy/do-not-call", "state=all&source=", "policy"),
    "holiday": _Page("/policy/calendar", lambda day, _: f"/policy/calendar?month={quote(day[:7])}", "policy"),
    "config": _filled("/telephony/configurations/{config_id}", "telephony"),
    "extension": _filled("/telephony/extensions/{extension_id}", "telephony"),
    "collector": _Page(_COLLECTOR, lambda named, tenant: f"/telephony/collectors/{tenant}/{quote(named)}", "telephony"),
    "desk": _Page(_COLLECTOR, lambda named, _: f"/telephony/collectors/{quote(named, safe='/')}", "telephony"),
    "kept_callback": _filled("/telephony/callbacks/{kept_id}", "telephony"),
    "report": _Page("/reports/{kind}/{period}", lambda named, _: f"/reports/{quote(named)}", "reports"),
    "held_day": _whole("/stats", "statistics"),
    "day": _whole("/stats", "statistics"),
    "message": _Page(
        _MESSAGE, lambda named, _: f"/notifications/{quote(named).replace('/', '/messages/', 1)}", "notifications"
    ),
    "messages": _Page(_MESSAGES, lambda box, _: f"/notifications/{quote(box)}/messages", "notifications"),
    "contract_ledger": _whole("/notifications/contracts", "notifications"),
    "contract": _found("/notifications/contract", "id=", "notifications"),
    "notify": _filled("/notifications/runs/{run_id}", "notifications"),
}


def address_of(view: View, subject: str, tenant_id: int | None) -> str | None:
    """The page of an act's subject; None where there is none, or where this person may not open it."""
    noun, _, named = subject.partition(":")
    page = _PAGES.get(noun)
    if page is None or not named or not view.may(page.role, page.room):
        return None
    if noun == "collector" and tenant_id is None:
        return None
    return page.address(named, tenant_id)
