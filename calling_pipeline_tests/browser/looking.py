"""Look at a page as its users do: with axe, at its width, by keyboard, as a picture."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Page

_LOOK_WITHOUT_FOCUS = """() => {
  document.activeElement?.blur()
  const kept = ["boxShadow", "borderColor", "backgroundColor", "textDecoration", "color"]
  const look = style => Object.fromEntries(kept.map(one => [one, style[one]]))
  return new Map([...document.querySelectorAll("*")].map(element => [element, look(getComputedStyle(element))]))
}"""
_AXE_OPTIONS = {"preload": False, "resultTypes": ["violations"]}  # preloading style sheets would ask for them again
_AXE_FAILS = ("serious", "critical")


@dataclass(frozen=True)
class AxeFault:
    """A rule of accessibility that the page breaks, and where."""

    rule: str
    impact: str
    says: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Overflow:
    """A text that does not fit where it stands."""

    element: str
    text: str
    why: str


@dataclass(frozen=True)
class Stop:
    """What has the focus after a press of Tab. `visible`: one sees that it has."""

    element: str
    name: str
    visible: bool


def axe(page: Page) -> list[AxeFault]:
    """What axe calls serious or critical in the page as it stands.

    It runs in a world of its own, on which the page's CSP has no hold.
    """
    session = page.context.new_cdp_session(page)
    try:
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})["executionContextId"]
        session.send("Runtime.evaluate", {"expression": _axe_source(), "contextId": world})
        run = f"axe.run(document, {json.dumps(_AXE_OPTIONS)}).then(found => JSON.stringify(found.violations))"
        asked = {"expression": run, "contextId": world, "awaitPromise": True, "returnByValue": True}
        answer = session.send("Runtime.evaluate", asked)
    finally:
        session.detach()
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return [
        AxeFault(one["id"], one["impact"], one["help"], tuple(str(node["target"][0]) for node in one["nodes"]))
        for one in json.loads(answer["result"]["value"])
        if one["impact"] in _AXE_FAILS
    ]


def overflow(page: Page) -> list[Overflow]:
    """Texts beyond their box or beyond the page's width, and the page itself where it scrolls sideways.

    What stands in a box that scrolls is no fault, nor is a text that is cut with an ellipsis and has a `title`.
    """
    return [Overflow(**found) for found in page.evaluate(_script("overflow.js"))]


def tab_stops(page: Page, until: str | None = None, limit: int = 200) -> list[Stop]:
    """Press Tab from the top of the page until the element with the selector `until` has the focus, or till the page's end.

    Fails when `until` is not reached.
    """
    before = page.evaluate_handle(_LOOK_WITHOUT_FOCUS)
    stops: list[Stop] = []
    for _ in range(limit):
        page.keyboard.press("Tab")
        found = page.evaluate(_script("focus.js"), before)
        if found is None:
            break
        stops.append(Stop(**found))
        if until is not None and page.evaluate("wanted => document.activeElement.matches(wanted)", until):
            return stops
    assert until is None, f"Tab does not reach {until}, but {[stop.element for stop in stops]}"
    return stops


def screenshot(page: Page, name: str) -> Path:
    """A picture of the whole page in the folder of this run; `CALLING_TEST_SCREENSHOTS` names another folder."""
    folder = Path(os.environ.get("CALLING_TEST_SCREENSHOTS") or _folder_of_the_run())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^\w.-]+", "-", name) + ".png")
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def _folder_of_the_run() -> Path:
    return Path(os.environ.get("PYTEST_DEBUG_TEMPROOT") or tempfile.gettempdir()) / "screenshots"


@cache
def _axe_source() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def _script(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
