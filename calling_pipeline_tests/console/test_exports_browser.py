"""The page of exports in a browser: exports in every state are accessible and fit."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from calling_pipeline import days
from calling_pipeline.reports.exports import asking
from calling_pipeline_tests.browser.looking import axe, overflow
from calling_pipeline_tests.reports.test_exports import NOW
from calling_pipeline_tests.support import nightly, some

PROBE = '"><img onerror=alert(1)>{{7*7}}' + "长" * 100
STATES = """
UPDATE exports SET
    state = CASE id WHEN 2 THEN 'running' WHEN 3 THEN 'failed' WHEN 4 THEN 'done' WHEN 5 THEN 'removed' ELSE state END,
    rows = id * 123456, expected = CASE WHEN id > 1 THEN 1200000 END,
    error = CASE id WHEN 3 THEN 'the file cannot be written: No space left on device' END,
    file = CASE WHEN id > 3 THEN 'export.csv.gz' END, bytes = CASE WHEN id > 3 THEN 48123456 END,
    digest = CASE WHEN id > 3 THEN repeat('0', 64) END,
    expires_at = CASE WHEN id > 3 THEN TIMESTAMPTZ '2026-11-25 10:00+08' END
"""


@pytest.fixture
def asked(console):
    days.set_clock(days.clock_starting_at(NOW))
    with console.runtime.transaction() as connection:
        for place in range(5):
            filters = {"province": PROBE} if place == 1 else {}
            form = "xlsx" if place == 2 else "csv.gz"
            wanted = asking.wanted_of("2026-11-01", "2026-11-22", form, "zh", filters, oldest=NOW.date().replace(day=1))
            asking.ask(connection, wanted, by="Li" if place < 3 else "Chen")
        connection.execute(sa.text(STATES))


@nightly
@pytest.mark.parametrize(("language", "scheme", "width"), some(("zh", "light", 375), ("en", "dark", 1280)))
def test_exports_in_every_state_are_accessible_and_fit(log_in, asked, language, scheme, width):
    page = log_in("admin", language=language, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto("/exports")
    expect(page.get_by_test_id("tab-exports")).to_have_attribute("aria-current", "page")
    assert axe(page) == []
    assert overflow(page) == []
