"""The frame of every page: logging in and out, who may send a form, headers, languages, files, errors, lists."""

import io
import re
import socket
import zipfile

import httpx
import pytest

from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.api.auth import SESSION_COOKIE
from calling_pipeline.console.static_files import static_files
from calling_pipeline_tests.support import LIMIT_S

HTML = {"Accept": "text/html"}
HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


@pytest.fixture
def browser(console):
    """A browser without script: it keeps cookies and follows redirections."""
    with httpx.Client(base_url=console.url, timeout=LIMIT_S, follow_redirects=True, headers=HTML) as client:
        yield client


def csrf_of(page):
    return re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)[1]


def test_a_page_without_a_login_leads_to_the_login_and_from_there_back(console, browser):
    console.link("admin")
    asked = browser.get("/audit?person=li")
    assert asked.url.path == "/login"
    assert 'value="/audit?person=li"' in asked.text


def test_a_link_logs_in_once(console, browser):
    link = console.link("admin")
    assert browser.get(link).status_code == 200
    assert browser.get("/audit").status_code == 200
    again = browser.get(link)
    assert again.status_code == 403
    assert "这个链接已被使用或已过期" in again.text


def test_a_login_leads_nowhere_else(console, browser):
    link = console.link("admin")
    page = browser.get(f"{link}&next=//evil.example/")
    assert re.search(r'id="go-on" href="([^"]*)"', page.text)[1] == "/"


def test_a_form_without_its_token_is_refused_and_changes_nothing(console, browser):
    browser.get(console.link("admin"))
    assert browser.post("/logout").status_code == 403
    assert browser.get("/audit").url.path == "/audit"


def test_logging_out_ends_the_session(console, browser):
    browser.get(console.link("admin"))
    kept = browser.cookies[SESSION_COOKIE]
    out = browser.post("/logout", data={"csrf_token": csrf_of(browser.get("/audit"))})
    assert out.url.path == "/login"
    assert "已退出登录" in out.text
    browser.cookies.set(SESSION_COOKIE, kept)
    assert browser.get("/audit").url.path == "/login"


def test_a_session_that_ended_is_said_so_in_the_language_of_the_person(console, browser):
    browser.get(console.link("lee", "admin", language="en"))
    assert '<html lang="en"' in browser.get("/audit").text
    browser.cookies.delete(SESSION_COOKIE)
    dialog = browser.get("/audit", headers={"HX-Request": "true"})
    assert dialog.status_code == 401
    assert '<html lang="en"' in dialog.text
    assert "Log in" in dialog.text


def test_a_form_of_nobody_known_is_refused_before_its_body_is_read(console):
    """The body is announced and never sent: only who does not wait for it can answer."""
    with socket.create_connection(("127.0.0.1", int(console.url.rsplit(":", 1)[1])), timeout=LIMIT_S) as client:
        head = "POST /batches/1/pause HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        client.sendall(f"{head}Content-Length: 60000\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 401")


def test_what_an_act_says_waits_for_the_page_and_is_not_taken_by_a_live_part(console, browser):
    browser.get(console.link("admin"))
    sent = {"csrf_token": csrf_of(browser.get("/audit")), "language": "en"}
    browser.post("/me/language", data=sent, follow_redirects=False)
    live = {"HX-Request": "true", "HX-Source": "div#first-look"}
    assert 'data-testid="notice"' not in browser.get("/audit", headers=live).text
    assert 'data-testid="notice"' in browser.get("/audit").text
    assert 'data-testid="notice"' not in browser.get("/audit").text


@pytest.mark.parametrize(
    ("here", "header", "led_to"),
    [
        ("/me", "HX-Location", '"path": "/me"'),
        ("/me?tab=1", "HX-Location", '"path": "/me?tab=1"'),
        ("/audit", "HX-Redirect", "/me"),
    ],
)
def test_an_act_by_script_leads_to_its_page_under_a_true_address(console, browser, here, header, led_to):
    browser.get(console.link("admin"))
    sent = {"csrf_token": csrf_of(browser.get("/audit")), "language": "en"}
    asked = {"HX-Request": "true", "HX-Current-URL": console.url + here}
    answer = browser.post("/me/language", data=sent, headers=asked)
    assert answer.status_code == 204
    assert led_to in answer.headers[header]


def test_every_page_may_load_from_here_only_and_stand_in_no_frame(console, browser):
    for path in ("/login", "/nowhere", "/audit"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


def test_the_files_are_kept_by_browsers_and_change_their_address_with_their_contents(console, browser):
    files = static_files()
    answer = browser.get(files.address("console.css"))
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.content == files.get("console.css").content
    assert "immutable" not in browser.get("/static/000000000000/console.css").headers["cache-control"]
    assert browser.get("/static/0/nothing.css").status_code == 404
    assert "immutable" not in browser.get("/favicon.ico").headers["cache-control"]


def test_htmx_is_the_published_file():
    """Its source map's line is left out: a browser with open tools would ask for it."""
    assert static_files().get("htmx-4.0.1.min.js").digest == HTMX


def test_a_wrong_address_is_a_page_for_people_and_the_api_s_answer_for_programs(console, browser):
    assert "没有这个页面" in browser.get("/nowhere").text
    assert httpx.get(f"{console.url}/api/nowhere", timeout=LIMIT_S).json()["success"] is False


def test_a_person_reads_their_own_language_and_a_browser_may_choose_another(console, browser):
    browser.get(console.link("ann", "admin", language="en"))
    assert "Audit log" in browser.get("/audit").text
    browser.post("/preferences", data={"language": "zh", "back": "/audit"})
    assert "审计日志" in browser.get("/audit").text


def test_a_refusal_within_a_page_is_said_in_the_language_of_who_asked(console, browser):
    browser.get(console.link("ann", "admin", language="en"))
    refused = browser.get("/batches/7", headers={"HX-Request": "true"})
    assert "there is no batch 7" in refused.text


def test_a_list_is_filtered_by_its_address_and_exported_as_filtered(console, as_role):
    with console.runtime.transaction() as connection:
        for number in range(60):
            note_act(connection, "batch.pause", f"batch:{number}", by="li", reason="=1+1")
        note_act(connection, "batch.resume", "batch:3", by="wang")
    operator = as_role("operator")
    page = operator.get("/audit?person=li").text
    assert page.count("batch:") - page.count('placeholder="batch:17"') == 50
    assert "1–50" in page
    assert "60" in page
    assert operator.get("/audit?person=li&page=2").text.count("<td") == 10 * 7
    csv = operator.get("/audit?person=li&form=csv")
    assert csv.headers["content-disposition"].startswith("attachment")
    assert len(csv.text.splitlines()) == 61
    assert "'=1+1" in csv.text
    sheet = operator.get("/audit?person=li&form=xlsx").content
    with zipfile.ZipFile(io.BytesIO(sheet)) as book:
        text = book.read("xl/worksheets/sheet1.xml").decode()
    assert text.count("<row ") == 61
    assert "<f>" not in text


def test_an_export_is_kept_in_the_audit_log(console, as_role):
    as_role("operator").get("/audit?act=nothing&form=csv").raise_for_status()
    assert "list.export" in as_role("operator").get("/audit?act=list.export").text


def test_what_a_list_cannot_do_is_refused_in_a_sentence(console, as_role):
    for query in ("page=0", "page=x", "form=pdf", "sort=nothing", "per=100000"):
        assert as_role("operator").get(f"/audit?{query}").status_code == 422
