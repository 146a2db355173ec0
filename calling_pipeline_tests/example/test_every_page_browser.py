"""Every page of the console over the example world, in a real browser: whole in both languages and themes, on a screen and
on a telephone, without a serious fault for who cannot see or use a mouse, and without a violation of the policy."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager

import pytest

from calling_pipeline import days
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.console.app import create_server
from calling_pipeline.console.views import LANGUAGE_COOKIE, THEME_COOKIE
from calling_pipeline.example.keeping import as_under_up
from calling_pipeline.example.links import links
from calling_pipeline.example.names import TASK
from calling_pipeline.example.seeding import seed
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.browser.pictures import EACH, PEOPLE, session, subjects
from calling_pipeline_tests.reports.support import make, put_day
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import NIGHTLY, nightly, some

LOOKS = {"zh": ("light", 375), "en": ("dark", 1280)}
"""At night each page is looked at twice, and every analysis; `make screenshots` takes pictures of all eight ways."""
HISTORY = 48
"""Pages that a browser can go back over: Chromium forgets what is longer ago than fifty."""
AMONG_THEM = {
    "/analysis/{name}", "/batches/{batch_id}", "/batches/{batch_id}/results", "/exports", "/reports", "/reports/deliveries",
    "/reports/subscriptions", "/reports/{kind}/{period}", "/telephony/quality",
}  # fmt: skip
"""Pages that would silently be left out if nothing led to them."""


@pytest.fixture
def world(example_runtime):
    """The console over the example: its address, its pages, and the cookies of the example's people."""
    with shown(example_runtime) as found:
        yield found


@pytest.fixture
def fuller_world(example_runtime):
    """The same with a batch whose calls were made, and a report."""
    with shown(example_runtime, call_and_report) as found:
        yield found


@contextmanager
def shown(example_runtime, more=None):
    seed(example_runtime)
    runtime = Runtime(as_under_up(example_runtime.settings))
    if more is not None:
        more(runtime)
    with served(create_server(runtime)) as url:
        ways_in = links(example_runtime, by="test")
        sessions = {name: session(url + ways_in[name][ways_in[name].index("/login") :]) for name in PEOPLE}
        yield url, subjects(url, sessions, each=EACH if NIGHTLY else ())[0], sessions
    runtime.close()


def call_and_report(runtime):
    """A batch whose calls were made, and a report: their pages are linked only where there is one."""
    day = days.today() - dt.timedelta(days=3)
    with runtime.transaction() as connection:
        editing.edit(connection, TASK, {"rate_per_s": 5000})
        put_day(connection, day)
    batch = runs.plan_task(runtime.engine, TASK)
    assert runs.push(BatchDependencies.from_runtime(runtime, by="test", patience_s=5), batch.id).state == "completed"
    make(runtime.engine, day)


def opened(new_page, url, cookies, language, theme, width):
    page = new_page(base_url=url, color_scheme=theme, viewport={"width": width, "height": 800})
    chosen = {LANGUAGE_COOKIE: language, THEME_COOKIE: theme, **dict(cookies)}
    page.context.add_cookies([{"name": name, "value": value, "url": url} for name, value in chosen.items()])
    return page


@pytest.mark.parametrize("language", some(*LOOKS))
def test_every_page_fits_reads_and_keeps_the_policy(fuller_world, new_page, language):
    url, pages, sessions = fuller_world
    theme, width = LOOKS[language]
    wrong = []
    for person in PEOPLE:
        page = opened(new_page, url, sessions[person], language, theme, width)
        for subject in pages:
            if subject.person != person:
                continue
            page.goto(subject.address, wait_until="load")
            wrong += [f"{subject.address}: {fault}" for fault in (*axe(page), *overflow(page))]
    assert wrong == []
    assert {one.route for one in pages} >= AMONG_THEM
    assert len(pages) > 40


@nightly
def test_going_back_and_forward_over_every_page_keeps_the_policy(world, new_page):
    """`new_page` fails the test on a violation, an error of a script, and a request to elsewhere."""
    url, pages, sessions = world
    page = opened(new_page, url, sessions[PEOPLE[0]], "zh", "light", 1280)
    own = [one for one in pages if one.person == PEOPLE[0] and not one.act and "?" not in one.address][:HISTORY]
    for subject in own:
        page.goto(subject.address, wait_until="load")
    for subject in reversed(own[:-1]):
        page.go_back(wait_until="commit")  # a page that the browser kept is shown without loading again
        page.wait_for_url(f"**{subject.address}", wait_until="commit")
        page.locator("h1").first.wait_for()
    for subject in own[1:]:
        page.go_forward(wait_until="commit")
        page.wait_for_url(f"**{subject.address}", wait_until="commit")
        page.locator("h1").first.wait_for()
    assert page.url.endswith(own[-1].address)
