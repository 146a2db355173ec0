"""What goes wrong in a page fails its test: each fault is planted once, and a clean page has none."""

import asyncio
import os
import socket
import subprocess
import sys

import pytest

from calling_pipeline_tests.browser.chromium import start
from calling_pipeline_tests.browser.driver import driven
from calling_pipeline_tests.browser.small_site import html, site
from calling_pipeline_tests.house.source import ROOT
from calling_pipeline_tests.support import LIMIT_S, nightly, wait_until


def _kinds(page):
    return {fault.kind for fault in page.faults}


def _wait_for(page, kind):
    wait_until(lambda: kind in _kinds(page))


def _faults_of(new_page, body, *, head="", path="/page", act=lambda page: None, **files):
    """The kinds of fault of a page with `body`, which this test expects."""
    with site(page=html(body, head=head), **files) as url:
        page = new_page()
        page.goto(url + path)
        act(page)
        wait_until(lambda: page.faults)
        kinds = _kinds(page)
        for kind in kinds:
            page.allow(kind)
        return kinds


def test_a_clean_page_has_no_fault(new_page):
    with site(page=html('<img src="/dot_svg" alt="">'), dot_svg="<svg xmlns='http://www.w3.org/2000/svg'/>") as url:
        page = new_page()
        page.goto(url + "/page")
        assert page.inner_text("h1") == "A page"
        page.allow("console", "dot_svg")  # it comes as HTML, which is no picture
        assert page.faults == []


def test_an_inline_script_is_a_violation(new_page):
    assert _faults_of(new_page, "<script>document.title = 'changed'</script>") == {"csp"}


def test_an_inline_style_is_a_violation(new_page):
    assert _faults_of(new_page, "<p style='color: red'>red</p>") == {"csp"}


def test_an_inline_handler_is_a_violation_when_it_is_called(new_page):
    """Not every build compiles a handler, and so refuses it, before its event comes."""
    assert _faults_of(new_page, "<b onclick='act()'>act</b>", act=lambda page: page.click("b")) == {"csp"}


def test_eval_is_a_violation_and_an_uncaught_error(new_page):
    kinds = _faults_of(new_page, "", head="<script src='/act.js'></script>", act_js="new Function('return 1')()")
    assert "csp" in kinds


def test_an_uncaught_error_is_a_fault(new_page):
    assert _faults_of(new_page, "", head="<script src='/act.js'></script>", act_js="throw new Error('broken')") == {"error"}


def test_an_error_on_the_console_is_a_fault(new_page):
    assert _faults_of(new_page, "", head="<script src='/act.js'></script>", act_js="console.error('odd')") == {"console"}


def test_a_file_that_is_missing_is_a_fault(new_page):
    assert _faults_of(new_page, "<img src='/nowhere' alt=''>") == {"console"}


def test_a_page_that_is_missing_is_a_fault(new_page):
    assert _faults_of(new_page, "", path="/nowhere") == {"console"}


def test_a_request_that_fails_is_a_fault(new_page):
    policy, head = "connect-src *; script-src 'self'", "<script src='/act.js'></script>"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else is given the port
        gone = f"http://127.0.0.1:{held.getsockname()[1]}"
        with site(policy, page=html(head=head), act_js=f"fetch('{gone}').catch(() => 0)") as url:
            page = new_page()
            page.goto(url + "/page")
            _wait_for(page, "request")
            page.allow("request", gone)
            page.allow("console", "ERR_CONNECTION_REFUSED")
            assert page.faults == []


@pytest.mark.parametrize(
    "elsewhere", ["http://elsewhere.example/a.png", "http://192.0.2.1/a.png", "http://[2001:db8::1]/a.png"]
)
def test_a_request_to_elsewhere_is_a_fault_and_goes_nowhere(new_page, elsewhere):
    with site("img-src *", page=html(f"<img src='{elsewhere}' alt=''>")) as url:
        page = new_page()
        page.goto(url + "/page")
        _wait_for(page, "request")
        assert {str(fault) for fault in page.faults} >= {
            f"external: {elsewhere}", f"request: GET {elsewhere}: net::ERR_NAME_NOT_RESOLVED"
        }  # fmt: skip
        page.allow("external")
        page.allow("request")
        page.allow("console")


def test_a_violation_in_a_frame_and_in_a_new_window_is_seen(new_page):
    bad = html("<script>1</script>", title="bad")
    policy = "script-src 'self'; frame-src 'self'"
    with site(
        policy,
        frame=html("<iframe src='/bad' title='bad'></iframe>"),
        window=html("<a target=_blank href='/bad'>go</a>"),
        bad=bad,
    ) as url:
        for path, act in (("/frame", lambda page: None), ("/window", lambda page: page.click("a"))):
            page = new_page()
            page.goto(url + path)
            act(page)
            _wait_for(page, "csp")
            page.allow("csp")


def test_leaving_a_page_with_an_open_request_is_no_fault(new_page):
    script = "new EventSource('/stream')"
    with site(page=html(head="<script src='/act.js'></script>"), act_js=script, next=html(title="Next")) as url:
        page = new_page()
        page.route("**/stream", lambda route: None)  # it never answers
        page.goto(url + "/page")
        page.goto(url + "/next")
        assert page.inner_text("h1") == "Next"
        assert page.faults == []


def test_only_what_is_allowed_is_expected(new_page):
    with site(page=html(head="<script src='/act.js'></script>"), act_js="console.error('one'); console.error('two')") as url:
        page = new_page()
        page.goto(url + "/page")
        wait_until(lambda: len(page.faults) == 2)
        page.allow("console", "^one")
        assert [fault.text.split()[0] for fault in page.faults] == ["two"]
        page.allow("console", "^two")


def test_a_page_without_script_is_watched_too(new_page):
    with site(page=html("<script>1</script><noscript>plain</noscript>")) as url:
        page = new_page(java_script_enabled=False)
        page.goto(url + "/page")
        assert page.inner_text("noscript") == "plain"
        assert page.faults == []


def test_code_that_runs_a_loop_of_its_own_runs_beside_a_page(new_page):
    async def answer():
        await asyncio.sleep(0)
        return 42

    with site(page=html()) as url:
        page = new_page()
        page.goto(url + "/page")
        assert asyncio.run(answer()) == 42
        with page.expect_response("**/page"):
            page.reload()
        with asyncio.Runner() as runner:
            assert runner.run(answer()) == 42
        assert page.inner_text("h1") == "A page"


def test_no_loop_is_left_marked_as_running_for_other_tests(tmp_path, chromium):
    with driven(start(tmp_path).address) as browser:
        assert asyncio.run(asyncio.sleep(0, 42)) == 42
        assert browser.is_connected()
    assert asyncio.run(asyncio.sleep(0, 42)) == 42


@nightly
def test_a_fault_fails_the_test_at_its_end_and_a_failure_leaves_a_picture(tmp_path):
    (tmp_path / "test_pages.py").write_text(_TESTS)
    plugins = ["-p", "calling_pipeline_tests.browser.fixtures", "-p", "no:cacheprovider"]
    own = f"--basetemp={tmp_path / 'own'}"  # a run below the root of this one takes its PostgreSQL's folder away
    command = [sys.executable, "-m", "pytest", "-q", own, *plugins]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "CALLING_TEST_SCREENSHOTS": str(tmp_path / "pictures"),
    }
    run = subprocess.run(  # noqa: PLW1510  # two of its tests must fail
        [*command, str(tmp_path / "test_pages.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=3 * LIMIT_S,
    )
    assert "script-src-elem refused inline" in run.stdout
    assert "1 failed, 1 passed, 1 error" in run.stdout, run.stdout
    (picture,) = (tmp_path / "pictures").iterdir()
    assert str(picture) in run.stdout


_TESTS = """
from calling_pipeline_tests.browser.small_site import html, site

def test_that_passes_on_a_page_with_a_fault(new_page):
    with site(page=html("<script>1</script>")) as url:
        new_page().goto(url + "/page")

def test_that_fails(new_page):
    with site(page=html()) as url:
        page = new_page()
        page.goto(url + "/page")
        assert page.inner_text("h1") == "another"
"""
