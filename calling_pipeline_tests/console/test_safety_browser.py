"""Sessions and safety in a browser: expiry amid a form, attacking pages, disabled people, the keyboard, back and forward."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from calling_pipeline import days
from calling_pipeline.access.people import people
from calling_pipeline.access.people import store as people_store
from calling_pipeline.access.sessions import store as session_store
from calling_pipeline.contact_policy import store as policy_store
from calling_pipeline_tests.browser.looking import tab_stops
from calling_pipeline_tests.support import wait_until

PASSWORD = "correct horse battery"


@pytest.fixture
def transaction(console):
    return console.runtime.transaction


def end_sessions(page, transaction, name):
    """Every session of the person ends, and the server has noticed."""
    with transaction() as connection:
        person = people.find(connection, name)
        session_store.end_all(connection, person.id, at=days.now())
    wait_until(lambda: "/login" in page.request.get("/me").url)


def with_password(console, log_in, name):
    """A page of a person who also has a password."""
    console.link(name, language="en")
    with console.runtime.transaction() as connection:
        people.set_password(connection, name, PASSWORD, by="test")
    return log_in(name)


def log_in_again(page, name):
    """In the dialog over the form, in the language of the page below it."""
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("label[for=name-again]")).to_have_text("Name")
    dialog.locator("#name-again").fill(name)
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_test_id("log-in").click()
    expect(page.locator(".notice.good:visible")).to_be_visible()


@contextmanager
def attacking(body) -> Iterator[str]:
    """A page of somebody else: on the same machine, but at another port, so another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>win</title><link rel=icon href=data:,>{body}".encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)  # a browser opens connections before it needs them
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_session_that_ends_amid_an_act_loses_nothing_typed(log_in, console, transaction):
    page = with_password(console, log_in, "admin")
    page.allow("console", "401")
    page.goto("/people")
    page.get_by_test_id("add").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Li Wei")
    dialog.get_by_label("operator").check()
    dialog.get_by_label("contact policy").check()
    end_sessions(page, transaction, "admin")
    dialog.get_by_test_id("submit").click()
    log_in_again(page, "admin")
    expect(dialog.get_by_label("Name")).to_have_value("Li Wei")
    dialog.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("Li Wei was added")
    with transaction() as connection:
        made = people.find(connection, "Li Wei")
    assert (made.role, made.grants) == ("operator", ("policy",))


def test_a_session_that_ends_amid_a_form_of_the_page_keeps_what_was_pasted(log_in, console, transaction):
    page = with_password(console, log_in, "operator")
    page.allow("console", "401")
    page.goto("/policy/import")
    page.get_by_label("Or paste numbers").fill("13812345678\n13812345679")
    end_sessions(page, transaction, "operator")
    page.get_by_test_id("try").click()
    log_in_again(page, "operator")
    expect(page.get_by_label("Or paste numbers")).to_have_value("13812345678\n13812345679")
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("new")).to_have_text("2")
    page.get_by_test_id("import-do").click()
    expect(page.get_by_test_id("imported")).to_be_visible()
    with transaction() as connection:
        assert policy_store.count_up_to(connection, days.now(), 9, source=None, state=None) == 2


@pytest.mark.parametrize("cookie", ["with the page's cookie", "from the site next door"])
def test_a_form_of_a_page_elsewhere_does_nothing(log_in, console, transaction, cookie):
    page = log_in("admin")
    page.allow("console", "401|403")
    name = "the attacker"
    target = console.url if cookie == "with the page's cookie" else console.url.replace("127.0.0.1", "localhost")
    form = f'<form method=post action="{target}/people/add"><input name=name value="{name}"><input name=role value=admin>'
    with attacking(f"{form}<input name=language value=en><button>You won</button></form>") as elsewhere:
        page.goto(elsewhere)
        with page.expect_navigation():
            page.get_by_role("button", name="You won").click()
    assert page.url.endswith("/people/add")
    with transaction() as connection:
        assert name not in [one.name for one in people_store.every(connection)]
    page.goto(f"{console.url}/people")
    expect(page.get_by_test_id("people")).to_be_visible()


def test_no_page_stands_in_a_frame_of_another(log_in, console):
    page = log_in("admin")
    page.allow("csp")
    page.allow("console")
    page.allow("request")
    with attacking(f'<iframe src="{console.url}/people" width=800 height=600></iframe>') as elsewhere:
        page.goto(elsewhere)
        wait_until(lambda: len(page.frames) == 2)
        framed = page.frames[1]
        expect(page.locator("iframe")).to_be_visible()
        wait_until(lambda: page.settle() or framed.url != "about:blank" or page.watch._seen)
        assert framed.get_by_test_id("people").count() == 0
        assert framed.locator("main").count() == 0


def test_a_person_who_is_disabled_is_out_within_seconds(log_in, transaction):
    admin, theirs = log_in("admin"), log_in("li", role="operator")
    theirs.goto("/policy/do-not-call")
    expect(theirs.get_by_role("heading", name="Do-not-call list")).to_be_visible()
    admin.goto("/people?name=li")
    admin.get_by_role("link", name="li", exact=True).click()
    admin.get_by_test_id("disable").click()
    admin.get_by_label("Reason").fill("left the company")
    admin.get_by_test_id("submit").click()
    expect(admin.get_by_test_id("notice")).to_contain_text("li is disabled")
    expect(admin.get_by_test_id("person-state")).to_have_text("disabled")
    wait_until(lambda: "/login" in theirs.request.get("/me").url)
    theirs.goto("/policy/do-not-call")
    assert "/login" in theirs.url


def test_a_person_is_made_without_a_mouse(log_in, transaction):
    page = log_in("admin")
    page.goto("/me")
    tab_stops(page, until='[data-testid="menu-people"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/people")
    tab_stops(page, until='[data-testid="add"]')
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.type("Zhao")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("notice")).to_contain_text("Zhao was added")
    with transaction() as connection:
        assert people.find(connection, "Zhao").role == "operator"


def test_back_and_forward_after_an_act_send_nothing_again(log_in, transaction):
    page = log_in("operator")
    page.goto("/policy")
    page.goto("/policy/calendar?month=2027-02")
    page.get_by_test_id("day-2027-02-17").get_by_role("link").click()
    page.get_by_label("Name").fill("Spring Festival")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("notice")).to_contain_text("2027-02-17 is a holiday now")
    sent = []
    page.on("request", lambda made: sent.append(made.url) if made.method == "POST" else None)
    page.go_back()
    page.wait_for_url("**/policy")
    page.go_forward()
    page.wait_for_url("**/policy/calendar?month=2027-02")
    expect(page.get_by_test_id("day-2027-02-17")).to_contain_text("Spring Festival")
    page.reload()
    expect(page.get_by_test_id("notice")).to_have_count(0)
    assert sent == []
