"""`make screenshots`: pictures of every page of the console, in both languages and themes, on a screen and on a telephone.

`python -m calling_pipeline_tests.browser.pictures [--here] [--readme] [WORD …]` starts everything, plays the demo without
pauses and looks at every page. `--here` looks at the `up` that runs in this folder, without a demo; `--readme` makes what
README shows, in docs/pictures/; of WORDs, each a part of a path, only the pages that fit one are looked at.
Pages come from the console's routes; what stands in their paths is taken from the links of pages seen before.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext
from starlette.routing import compile_path

from calling_pipeline.console.app import ROUTERS
from calling_pipeline.console.views import LANGUAGE_COOKIE, THEME_COOKIE
from calling_pipeline_tests.browser.chromium import start
from calling_pipeline_tests.browser.driver import driven, marked, prepare
from calling_pipeline_tests.running_up import ROOT, Up
from calling_pipeline_tests.support import end_processes

FOLDER = ROOT / "build" / "screenshots"
README_FOLDER = ROOT / "docs" / "pictures"
README = {"/": ("zh", "light"), "/stats": ("zh", "light"), "/batches/{batch_id}": ("en", "dark")}
"""The pages that README shows: as much of them as a screen does."""
LANGUAGES, THEMES, WIDTHS = ("zh", "en"), ("light", "dark"), (1280, 375)
_OF_ACTS = {("zh", "light"): WIDTHS[:1], ("en", "dark"): WIDTHS[1:]}
"""The widths in which pages that only ask before an act are looked at."""
PEOPLE = ("example-admin", "example-collector")
"""Who looks: the first of them that may see a page; the desk is the second one's."""
EACH = ("/analysis/{name}",)
"""Routes whose every linked address is a page of its own."""
_LINK = re.compile(r'(?:href|hx-get)="(/[^"#]*)"')
_LEFT_OUT = re.compile(r"^/(static|favicon|login|logout)|live$|\.(csv|xlsx)$")


@dataclass(frozen=True)
class Subject:
    """One page to look at: its route, an address of it, who may see it, and whether it only asks before an act."""

    route: str
    address: str
    person: str
    act: bool

    @property
    def name(self) -> str:
        """The beginning of its files' names."""
        path = self.address.partition("?")[0] if self.route in EACH else self.route
        return re.sub(r"[{}]", "", path).strip("/").replace("/", "-") or "today"


def main(words: Sequence[str]) -> int:
    """Take the pictures; the exit status says whether every page could be looked at."""
    begun = time.monotonic()
    wanted = [word for word in words if not word.startswith("--")]
    with _running(here="--here" in words) as links:
        sessions = {person: session(links[person]) for person in PEOPLE}
        base = links[PEOPLE[0]].partition("/login")[0]
        found, unseen = subjects(base, sessions, each=EACH)
        chosen = [one for one in found if not wanted or any(word in one.route for word in wanted)]
        with tempfile.TemporaryDirectory() as folder, driven(_browser(Path(folder))) as browser:
            look = _look_for_readme if "--readme" in words else _look
            taken = look(browser, base, sessions, chosen)
    end_processes()
    print(f"{taken} pictures of {len(chosen)} pages, {time.monotonic() - begun:.0f} s: {FOLDER}")
    if unseen and not wanted:
        print("no address was found for: " + ", ".join(unseen))
    return 0


@contextmanager
def _running(*, here: bool) -> Iterator[dict[str, str]]:
    """The login links of the example's people at a running product."""
    links = ("example", "links", "--json")
    if here:
        command = [sys.executable, "-m", "calling_pipeline.cli.main", *links]
        yield json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return
    with tempfile.TemporaryDirectory(prefix="calling-pictures-") as folder:
        Path(folder).chmod(0o755)  # as root the embedded PostgreSQL is another user's
        up = Up(Path(folder), CALLING_EXAMPLE="true")
        try:
            played = up.command("demo", "--fast")
            if played.returncode:
                sys.exit(played.stderr)
            up.command("reports", "run", "daily", "--reason", "for the pictures")
            yield json.loads(up.command(*links).stdout)
        finally:
            up.stop()


def _browser(folder: Path) -> str:
    """The DevTools address of a browser."""
    running = start(folder / "chromium")
    prepare()
    return running.address


def session(link: str) -> httpx.Cookies:
    """The cookies of a person who followed the link."""
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=60) as client:
        client.get(link).raise_for_status()
        return httpx.Cookies(client.cookies)


def subjects(base: str, sessions: dict[str, httpx.Cookies], *, each: Sequence[str] = ()) -> tuple[list[Subject], list[str]]:
    """Every page of which an address is found, of the routes `each` all that are, and the routes of which none is."""
    routes = [
        route.path  # type: ignore[attr-defined]  # FastAPI's routers hold routes of pages alone
        for router in ROUTERS
        for route in router.routes
        if "GET" in route.methods and not _LEFT_OUT.search(route.path)  # type: ignore[attr-defined]
    ]
    found: dict[str, Subject] = {}
    links: dict[str, None] = {}
    with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
        for _ in range(3):  # details link to further details
            for route in routes:
                if route in found:
                    continue
                for address in _addresses(route, routes, links)[:3]:
                    seen = _seen(client, sessions, route, address)
                    if seen is not None:
                        found[route] = seen[0]
                        links |= dict.fromkeys(_LINK.findall(seen[1]))
                        break
        further = [
            seen[0]
            for route in each
            for address in _addresses(route, routes, links)
            if "?" not in address and address != found[route].address
            if (seen := _seen(client, sessions, route, address)) is not None
        ]
    firsts = [found[route] for route in routes if route in found]
    return [*firsts, *further], [route for route in routes if route not in found]


def _addresses(route: str, routes: Sequence[str], links: dict[str, None]) -> list[str]:
    """Addresses of a route: itself, or the links that fit it and are no other route's own."""
    pattern = compile_path(route)[0]
    fitting = [link for link in links if (path := link.partition("?")[0]) == route or path not in routes]
    linked = [link.replace("&amp;", "&") for link in fitting if pattern.match(link.partition("?")[0])]
    return linked if "{" in route else [*linked, route]


def _seen(client: httpx.Client, sessions: dict[str, httpx.Cookies], route: str, address: str) -> tuple[Subject, str] | None:
    """The page as the first person sees it who may; None when nobody does."""
    whose = PEOPLE[::-1] if route.startswith("/desk") else PEOPLE
    for person in whose:
        cookies = sessions[person]
        answer = client.get(address, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())})
        if answer.status_code == 200 and "<html" in answer.text[:300]:
            return Subject(route, address, person, 'id="act"' in answer.text), answer.text
    return None


def _look(browser: Browser, base: str, sessions: dict[str, httpx.Cookies], subjects: Sequence[Subject]) -> int:
    """Take the pictures of all pages; returns how many."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    taken = 0
    with marked(browser):
        for language in LANGUAGES:
            for theme in THEMES:
                contexts = {
                    person: _context(browser, base, cookies, language, theme) for person, cookies in sessions.items()
                }
                for subject in subjects:
                    taken += _pictures(contexts[subject.person], subject, language, theme)
                for context in contexts.values():
                    context.close()
    return taken


def _look_for_readme(browser: Browser, base: str, sessions: dict[str, httpx.Cookies], subjects: Sequence[Subject]) -> int:
    """Take the pictures that README shows; returns how many."""
    README_FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [subject for subject in subjects if subject.route in README]
    with marked(browser):
        for subject in wanted:
            context = _context(browser, base, sessions[subject.person], *README[subject.route])
            page = context.pages[0]
            page.set_viewport_size({"width": 1280, "height": 800})
            page.goto(subject.address, wait_until="load")
            path = README_FOLDER / f"{subject.name}.png"
            page.screenshot(path=path, animations="disabled", caret="initial")
            context.close()
    return len(wanted)


def _context(browser: Browser, base: str, cookies: httpx.Cookies, language: str, theme: str) -> BrowserContext:
    """A browser in which the person is logged in, with this language and theme."""
    context = browser.new_context(base_url=base, color_scheme=theme, locale="zh-CN" if language == "zh" else "en-US")  # type: ignore[arg-type]
    chosen = {LANGUAGE_COOKIE: language, THEME_COOKIE: theme}
    context.add_cookies([{"name": name, "value": value, "url": base} for name, value in {**dict(cookies), **chosen}.items()])
    context.new_page()
    return context


def _pictures(context: BrowserContext, subject: Subject, language: str, theme: str) -> int:
    """The pictures of one page; a page that only asks has one in Chinese on a screen and one in English on a telephone."""
    widths: tuple[int, ...] = WIDTHS
    if subject.act:
        widths = _OF_ACTS.get((language, theme), ())
    if not widths:
        return 0
    page = context.pages[0]
    page.set_viewport_size({"width": widths[0], "height": 800})
    page.goto(subject.address, wait_until="load")
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        path = FOLDER / f"{subject.name}.{language}.{theme}.{width}.png"
        page.screenshot(path=path, full_page=True, animations="disabled", caret="initial")
    return len(widths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
