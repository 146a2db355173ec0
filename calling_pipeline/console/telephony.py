"""What pages need to reach Infinity: the one bundle of the server, whose connections live as long as it."""

from __future__ import annotations

from calling_pipeline.console.views import View
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.desk.looking import LineLooks


def telephony_of(view: View) -> TelephonyDependencies:
    """The server's `TelephonyDependencies`; for use in its event loop."""
    found: TelephonyDependencies = view.request.app.state.server.telephony
    return found


def line_looks_of(view: View) -> LineLooks:
    """What this server has heard of the lines of its desks."""
    found: LineLooks = view.request.app.state.line_looks
    return found
