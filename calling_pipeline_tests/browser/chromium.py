"""Find a Chromium on this machine and start it so that it reaches nothing but 127.0.0.1.

`CALLING_TEST_BROWSER` names its executable; else the ones on the PATH are tried, then the build that npm has. Only the
DevTools address is used: `--screenshot` and `--dump-dom` never end with the build from npm.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from calling_pipeline_tests.browser import npm_build
from calling_pipeline_tests.support import LIMIT_S, start_process

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
START_LIMIT_S = LIMIT_S
NOBODY_ELSE = "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"
"""Chromium's own resolver finds no other host, addresses written as numbers included."""

_FLAGS = (
    "--headless",
    "--remote-debugging-port=0",
    "--no-sandbox",  # root has none, and the pages are our own
    "--no-proxy-server",
    f"--host-resolver-rules={NOBODY_ELSE}",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-client-side-phishing-detection",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider,Translate,AutofillServerCommunication,"
    "CertificateTransparencyComponentUpdater,InterestFeedContentSuggestions,NetworkTimeServiceQuerying,PaintHolding",
    "--metrics-recording-only",
    "--no-pings",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--disable-dev-shm-usage",  # /dev/shm has 64 MB in a container
    "--disable-background-timer-throttling",  # a page behind another lives on, so that two can be watched at once
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)
_ADDRESS = re.compile(r"DevTools listening on (ws://127\.0\.0\.1:\d+/\S+)")


class NoChromium(Exception):
    """No Chromium starts on this machine; one sentence says what was tried."""


@dataclass(frozen=True)
class Build:
    """An executable and what it needs to start."""

    path: Path
    libraries: Path | None = None
    fonts: Path | None = None
    flags: tuple[str, ...] = ("--disable-gpu",)


@dataclass(frozen=True)
class Running:
    """A Chromium that answers at its DevTools address; its process leads a group of its own."""

    build: Build
    process: subprocess.Popen[bytes]
    address: str


def start(folder: Path, *flags: str) -> Running:
    """Start the first Chromium that comes up, with its profile in `folder`.

    Raises `NoChromium` when none does. `end_processes` of the tests' support ends it, as every process of the tests.
    """
    tried = []
    for number, found in enumerate(_builds(tried)):
        try:
            return launch(found, folder / str(number), *flags)
        except (OSError, NoChromium) as error:
            tried.append(f"{found.path}: {error}")
    raise NoChromium("No Chromium starts here, so no page is tested: " + "; ".join(tried))


def launch(build: Build, folder: Path, *flags: str, limit_s: float = START_LIMIT_S) -> Running:
    """Start this build and wait for its DevTools address; raises `NoChromium` when it ends or is silent for `limit_s`."""
    folder.mkdir(parents=True)
    said = folder / "stderr"
    command = [
        *_ends_with_us(),
        str(build.path),
        *_FLAGS,
        *build.flags,
        *flags,
        f"--user-data-dir={folder / 'profile'}",
        "about:blank",
    ]
    with said.open("wb") as stderr:
        process = start_process(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, env=_environment(build, folder)
        )
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        ended = process.poll()
        text = said.read_text(encoding="utf-8", errors="replace")
        address = _ADDRESS.search(text)
        if address:
            return Running(build, process, address[1])
        if ended is not None:
            raise NoChromium(f"ended with {ended} ({_last_line(text)})")
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    raise NoChromium(f"no DevTools address within {limit_s:.0f} s")


def _ends_with_us() -> list[str]:
    """Tests that are killed with SIGKILL end nothing: the kernel then ends the browser. Every Debian has setpriv."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _builds(tried: list[str]) -> Iterator[Build]:
    given = os.environ.get("CALLING_TEST_BROWSER")
    if given:
        yield Build(Path(given))
        return
    for name in NAMES:
        path = shutil.which(name)
        if path:
            yield Build(Path(path))
    try:
        folder = npm_build.unpacked()
    except npm_build.NotToBeHad as error:
        tried.append(str(error))
    else:
        yield Build(folder / "chromium", folder / "al2023" / "lib", folder / "fonts" / "fonts.conf", npm_build.FLAGS)


def _environment(build: Build, folder: Path) -> dict[str, str]:
    """Nothing of the developer's desktop. Without LANG the build from npm says `en-US@posix`, at which Intl throws."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LANG": "en_US.UTF-8"}
    if build.libraries is not None:
        environment["LD_LIBRARY_PATH"] = str(build.libraries)
    if build.fonts is not None and not Path("/etc/fonts/fonts.conf").exists():
        environment["FONTCONFIG_FILE"] = str(build.fonts)
    return environment


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
