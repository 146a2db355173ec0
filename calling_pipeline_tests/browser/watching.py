"""A page that keeps what went wrong in it: violations of the CSP, errors, requests that failed or went elsewhere."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Error, Page

Kind = Literal["csp", "error", "console", "request", "external"]
"""A violation of the CSP; an error that nobody caught; an error on the console, a 4xx or 5xx answer among them; a request
that failed; a request to anything but 127.0.0.1."""

_LOCAL = ("data", "blob", "about", "chrome-error", "devtools")
_UNASKED = "/favicon.ico"  # some builds ask for it where a page names no icon, others do not
_OWN_HOSTS = ("127.0.0.1", "localhost")
_REPORT_VIOLATIONS = """document.addEventListener("securitypolicyviolation", event => {
  const what = event.effectiveDirective + " refused " + event.blockedURI
  window.reportViolation(what + " in " + event.documentURI + " " + (event.sourceFile || "") + ":" + event.lineNumber)
})"""


@dataclass(frozen=True)
class Fault:
    """One thing that a page must not do."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class Watch:
    """What went wrong in a context: its pages, their frames and the windows that they opened."""

    def __init__(self) -> None:
        self._seen: list[Fault] = []
        self._allowed: list[tuple[Kind, re.Pattern[str]]] = []

    @property
    def faults(self) -> list[Fault]:
        """Everything that is not allowed, in the order seen."""
        return [fault for fault in self._seen if not self._is_allowed(fault)]

    def allow(self, kind: Kind, text: str = "") -> None:
        """Faults of this kind that have the regular expression `text` in them are expected, before or after this call."""
        self._allowed.append((kind, re.compile(text)))

    def note(self, kind: Kind, text: str) -> None:
        self._seen.append(Fault(kind, text))

    def _is_allowed(self, fault: Fault) -> bool:
        return any(kind == fault.kind and text.search(fault.text) for kind, text in self._allowed)


class WatchedPage(Page):
    """A page of Playwright that also knows what went wrong in it and in every window of its context."""

    def __init__(self, page: Page, watch: Watch) -> None:
        super().__init__(page._impl_obj)
        self.watch = watch

    @property
    def faults(self) -> list[Fault]:
        """What went wrong so far, without what is allowed."""
        self.settle()
        return self.watch.faults

    def allow(self, kind: Kind, text: str = "") -> None:
        """Expect faults of this kind (`text`: a regular expression in them), which then do not fail the test."""
        self.watch.allow(kind, text)

    def settle(self) -> None:
        """Wait until what the page has done so far is noted: a violation is an event that the page has yet to dispatch."""
        for _ in range(2):
            with contextlib.suppress(Error):  # the page is closed or on its way to another
                self.evaluate("() => 1")


def watched(context: BrowserContext) -> WatchedPage:
    """A new page of this context, with everything in the context watched."""
    watch = Watch()
    context.expose_binding("reportViolation", lambda source, text: watch.note("csp", text))
    context.add_init_script(_REPORT_VIOLATIONS)
    for event, handler in _handlers(watch).items():
        context.on(event, handler)  # type: ignore[call-overload]  # one overload for each literal name
    return WatchedPage(context.new_page(), watch)


def _handlers(watch: Watch) -> dict[str, Callable[[Any], None]]:
    def console(message: Any) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and urlsplit(url).path != _UNASKED:
            kind: Kind = "csp" if "Content Security Policy" in message.text else "console"
            watch.note(kind, f"{message.text} ({url})")

    def request(made: Any) -> None:
        parts = urlsplit(made.url)
        if parts.scheme not in _LOCAL and parts.hostname not in _OWN_HOSTS:
            watch.note("external", made.url)

    def failed(made: Any) -> None:
        # A page that is left ends its requests, and an event stream never ends by itself.
        if made.failure != "net::ERR_ABORTED":
            watch.note("request", f"{made.method} {made.url}: {made.failure}")

    return {
        "console": console,
        "weberror": lambda error: watch.note("error", str(error.error)),
        "request": request,
        "requestfailed": failed,
    }
