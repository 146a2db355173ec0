"""Fixtures for tests of pages, in every folder: `chromium`, one browser for each worker, and `new_page`, a watched page.

A worker without such a test starts no browser; one with has 300 MB of Chromium and 120 MB of Playwright's node.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from calling_pipeline_tests.browser.chromium import NoChromium, start
from calling_pipeline_tests.support import LIMIT_S, end_processes, of_the_session

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from calling_pipeline_tests.browser.watching import WatchedPage

NewPage = Callable[..., "WatchedPage"]
_OPENED = pytest.StashKey[list["WatchedPage"]]()
_DEFAULTS: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "locale": "zh-CN"}


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The worker's browser. Without one the test is skipped, or fails where CI is set."""
    from calling_pipeline_tests.browser.driver import (
        NoDriver,
        driven,
        prepare,
    )  # Playwright, 300 ms that other tests need not pay

    try:
        running = start(tmp_path_factory.mktemp("chromium"))
        prepare()
    except (NoChromium, NoDriver) as none:
        if os.environ.get("CI"):
            pytest.fail(str(none), pytrace=False)
        pytest.skip(str(none))
    of_the_session.append(running.process)
    with driven(running.address) as browser:
        yield browser
    of_the_session.remove(running.process)
    end_processes(but=of_the_session)


@pytest.fixture
def new_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """Opens pages, each in a context of its own: two of them are two people. What goes wrong in one fails the test.

    `new_page(viewport=…, color_scheme="dark", locale="en-US", java_script_enabled=False, base_url=…)`: the options of
    Playwright's `Browser.new_context`.
    """
    from calling_pipeline_tests.browser.driver import marked  # Playwright, 300 ms
    from calling_pipeline_tests.browser.watching import watched

    opened: list[WatchedPage] = []
    request.node.stash[_OPENED] = opened

    def open_page(**options: Any) -> WatchedPage:
        context = chromium.new_context(**{**_DEFAULTS, **options})
        context.set_default_timeout(LIMIT_S * 1000)
        opened.append(watched(context))
        return opened[-1]

    with marked(chromium):
        yield open_page
        faults = [str(fault) for page in opened for fault in page.faults]
        for page in opened:
            page.context.close()
    if faults:
        pytest.fail("\n".join(["What went wrong in the page:", *faults]), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed leaves a picture of each page it had open."""
    report = yield
    opened = item.stash.get(_OPENED, [])
    if call.when == "call" and call.excinfo is not None and opened:
        from calling_pipeline_tests.browser.looking import screenshot  # Playwright, 300 ms

        for number, page in enumerate(opened):
            with contextlib.suppress(Exception):  # a page that hangs or is closed must not hide why the test failed
                report.sections.append(("picture", str(screenshot(page, f"failed {item.name} {number}"))))
    return report
