"""Playwright in the hands of tests that also run event loops of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, expect, sync_playwright

from calling_pipeline_tests.browser import npm_build
from calling_pipeline_tests.support import LIMIT_S

_NODE = "PLAYWRIGHT_NODEJS_PATH"


class NoDriver(Exception):
    """Playwright does not run on this machine; one sentence says why."""


def prepare() -> None:
    """Give Playwright another node where its own does not run: it wants libatomic, which a bare Debian has not.

    Raises `NoDriver` when there is none.
    """
    if _runs(compute_driver_executable()[0]):
        return
    try:
        os.environ[_NODE] = npm_build.node()[0]
    except npm_build.NotToBeHad as error:
        raise NoDriver(f"Playwright's node does not run here, so no page is tested, and {error}") from error


def _runs(node: str) -> bool:
    try:
        return subprocess.run([node, "--version"], capture_output=True, timeout=LIMIT_S, check=False).returncode == 0
    except OSError:
        return False


@contextmanager
def driven(address: str) -> Iterator[Browser]:
    """The browser behind a DevTools address, in the hands of Playwright."""
    expect.set_options(timeout=LIMIT_S * 1000)
    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()
    try:
        browser = playwright.chromium.connect_over_cdp(address, timeout=LIMIT_S * 1000)
        with _loop_set_aside():
            yield browser
        browser.close()
    finally:
        asyncio._set_running_loop(loop)
        playwright.stop()
        asyncio._set_running_loop(None)


@contextmanager
def _loop_set_aside() -> Iterator[None]:
    """Playwright leaves its loop marked as running between two calls, and `asyncio.run` refuses to start beside one.

    Within, it is not marked.
    """
    before = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(before)


@contextmanager
def marked(browser: Browser) -> Iterator[None]:
    """Within, Playwright finds its loop as it left it, and code of ours may still call `asyncio.run`."""

    def beside(run: Callable[..., Any]) -> Callable[..., Any]:
        def set_aside(*arguments: Any, **options: Any) -> Any:
            with _loop_set_aside():
                return run(*arguments, **options)

        return set_aside

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "run", beside(asyncio.run))
        patch.setattr(asyncio.Runner, "run", beside(asyncio.Runner.run))
        patch.setattr(asyncio.Runner, "close", beside(asyncio.Runner.close))
        asyncio._set_running_loop(browser._loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)
