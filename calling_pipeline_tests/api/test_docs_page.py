"""`/docs` in a browser: readable on a telephone and a wide screen, by day and by night, by everybody."""

import pytest

from calling_pipeline_tests.browser.looking import axe, overflow, tab_stops
from calling_pipeline_tests.support import nightly, some


@nightly
@pytest.mark.parametrize(("width", "scheme"), some((375, "dark"), (1920, "light"), (375, "light"), (1920, "dark")))
def test_the_description_is_readable(api, new_page, width, scheme):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(api + "/docs")
    assert page.locator("h1").count() == 1
    assert axe(page) == []
    assert overflow(page) == []


def test_one_sees_where_the_keyboard_is(api, new_page):
    page = new_page()
    page.goto(api + "/docs")
    stops = tab_stops(page, limit=10)
    assert stops
    assert [stop for stop in stops if not stop.visible] == []
