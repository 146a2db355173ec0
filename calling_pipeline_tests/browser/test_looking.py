"""The helpers that look at a page find what is planted, and nothing in a page where nothing is."""

import pytest

from calling_pipeline_tests.browser.looking import axe, overflow, screenshot, tab_stops
from calling_pipeline_tests.browser.small_site import html, site

LOOK = "<link rel='stylesheet' href='/look.css'>"
PHONE = {"width": 375, "height": 700}


@pytest.fixture
def shown(new_page):
    """Show a page with this body and style, under the strict policy."""

    def show(body, look="", **options):
        with site(page=html(body, head=LOOK), look_css="body { margin: 0 }" + look) as url:
            page = new_page(**options)
            page.goto(url + "/page")
            return page

    return show


def test_axe_finds_a_picture_without_a_text_and_pale_letters_under_a_strict_policy(shown):
    page = shown("<img src='/look.css'><p class='pale'>pale</p>", ".pale { color: #ddd; background: #fff }")
    assert {fault.rule for fault in axe(page)} == {"image-alt", "color-contrast"}
    assert {fault.where for fault in axe(page)} == {("img",), ("p",)}


def test_axe_finds_nothing_in_a_clean_page_and_leaves_nothing_in_it(shown):
    page = shown("<p>words</p><label>Name <input></label>")
    assert axe(page) == []
    assert page.evaluate("() => typeof axe") == "undefined"


def test_a_page_that_scrolls_sideways_is_found(shown):
    page = shown("<div class='wide'>wide</div>", ".wide { width: 500px }", viewport=PHONE)
    assert [(found.element, found.why) for found in overflow(page)] == [("page", "is 500 px wide in a window of 375")]
    page.set_viewport_size({"width": 800, "height": 700})
    assert overflow(page) == []


def test_a_text_wider_than_its_box_is_found(shown):
    page = shown("<p class='box'>unbreakableunbreakable</p>", ".box { width: 60px }")
    (found,) = overflow(page)
    assert (found.element, found.text) == ("p.box", "unbreakableunbreakable")
    assert "px wider than p.box" in found.why


def test_a_text_that_hangs_below_its_box_is_found(shown):
    page = shown(
        "<button class='box'>发布 发布 发布 发布 发布</button>",
        ".box { width: 60px; height: 24px; padding: 0; display: block }",
    )
    (found,) = overflow(page)
    assert "below button.box" in found.why or "wider than" in found.why


def test_a_text_that_is_cut_needs_its_title(shown):
    cut = ".cut { width: 60px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis }"
    page = shown("<p class='cut'>a long text that is cut</p><p class='cut' title='whole'>a long text that is cut</p>", cut)
    assert [found.why for found in overflow(page)] == ["is cut, and no title holds the whole"]


def test_a_label_of_a_chart_that_is_cut_is_found(shown):
    page = shown("<svg width='60' height='40'><text x='30' y='20'>a label that is too long</text></svg>")
    assert ["wider than svg" in found.why for found in overflow(page)] == [True]


def test_what_scrolls_by_itself_and_what_only_screen_readers_read_is_no_fault(shown):
    page = shown(
        "<div class='roll'><table><tr><td>"
        + "column " * 40
        + "</td></tr></table></div><span class='hidden'>for readers only</span>",
        ".roll { overflow-x: auto } td { white-space: nowrap }"
        " .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; white-space: nowrap }",
        viewport=PHONE,
    )
    assert overflow(page) == []


def test_tab_goes_from_link_to_button_and_says_where_nobody_sees_it(shown):
    page = shown(
        "<a href='/page'>First</a><button id='dim'>Second</button><input aria-label='Third'>", "#dim:focus { outline: none }"
    )
    stops = tab_stops(page)
    assert [(stop.name, stop.visible) for stop in stops] == [("First", True), ("Second", False), ("Third", True)]
    assert [stop.name for stop in tab_stops(page, until="#dim")] == ["First", "Second"]
    with pytest.raises(AssertionError, match="Tab does not reach #missing"):
        tab_stops(page, until="#missing")


def test_a_picture_lands_in_the_folder_that_is_named(shown, tmp_path, monkeypatch):
    monkeypatch.setenv("CALLING_TEST_SCREENSHOTS", str(tmp_path / "pictures"))
    path = screenshot(shown("<p>你好</p>"), "today / dark")
    assert path == tmp_path / "pictures" / "today-dark.png"
    assert path.read_bytes().startswith(b"\x89PNG")
