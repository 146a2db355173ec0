"""`/notifications/robots`: who receives messages, how each robot does within its rate, and who is missing."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from calling_pipeline.console.pages.notifications.parts import Viewer, dependencies, messages_address
from calling_pipeline.console.views import View
from calling_pipeline.notifications.robots import MissingReceiver, ReceiverState, missing_receivers, receiver_states

router = APIRouter(tags=["notifications"])
LIVE_S = 10


@router.get("/notifications/robots")
def robots(view: Viewer) -> Response:
    """Robots and contacts by name with rate, use, last answer and errors; and what the settings lack."""
    return _page(view, "notifications/robots.html")


@router.get("/notifications/robots/live")
def robots_live(view: Viewer) -> Response:
    """The part of the page that refreshes itself."""
    return _page(view, "notifications/robots_live.html")


def _page(view: View, template: str) -> Response:
    found, missing = view.shared("notifications.receivers", LIVE_S, lambda: _gathered(view))
    return view.page(template, receivers=found, missing=missing, messages_address=messages_address)


def _gathered(view: View) -> tuple[list[ReceiverState], list[MissingReceiver]]:
    deps = dependencies(view)
    with view.transaction() as connection:
        return receiver_states(connection, deps), missing_receivers(connection, deps)
