"""The pages of the runbooks: in the reader's language, as text, with links that lead to pages of the console."""

import re

from markupsafe import Markup

from calling_pipeline.alerts.texts import KINDS
from calling_pipeline.console.markdown import shown_as_page
from calling_pipeline.console.views import LANGUAGE_COOKIE
from calling_pipeline_tests.console.test_alerts import observe

OUTSIDE = '<script>alert(1)</script> "><img src=x onerror=alert(1)> ![p](http://evil.test/p.png) [x](javascript:alert(1))'


def in_language(client, language):
    client.cookies.set(LANGUAGE_COOKIE, language)
    return client


def test_the_index_leads_to_a_runbook_of_every_kind_and_says_what_is_open(console, as_role):
    observe(console, "held:grade:2026-11-20", title="the grade numbers pass", text="40 % unknown")
    page = as_role("viewer").get("/runbooks").text
    assert [kind for kind in KINDS if f'href="/runbooks/{kind}"' not in page] == []
    assert page.count('data-testid="open-') == 1
    assert 'data-testid="open-held"' in page


def test_a_runbook_is_shown_in_the_reader_s_language(as_role):
    viewer = as_role("viewer")
    assert "不要做什么" in viewer.get("/runbooks/held").text
    page = in_language(viewer, "en").get("/runbooks/held").text
    assert "What not to do" in page
    assert '<a href="/stats/held"><code>/stats/held</code></a>' in page
    assert viewer.get("/runbooks/nothing").status_code == 404


def test_every_link_of_every_runbook_leads_to_a_page(as_role):
    viewer = as_role("viewer")
    found = set()
    for kind in KINDS:
        for language in ("zh", "en"):
            page = in_language(viewer, language).get(f"/runbooks/{kind}").raise_for_status().text
            article = page[page.index("<article") : page.index("</article>")]
            assert "style=" not in article
            found |= set(re.findall(r'href="([^"]+)"', article))
    assert len(found) > 20
    wrong = {address: answer for address in found if (answer := viewer.get(address).status_code) not in (200, 403)}
    assert wrong == {}


def test_an_alert_leads_to_its_runbook(console, as_role):
    observe(console, "batch_unknown:3", title="every call is known", text="3 calls")
    assert 'href="/runbooks/batch_unknown" data-testid="runbook"' in as_role("viewer").get("/alerts/1").text


def test_markdown_brings_no_html_no_picture_and_no_script():
    page = shown_as_page(f"# head\n\n{OUTSIDE}\n\n`/stats` `/other` [h](held.md)", folder="/r", pages=["/stats"])
    assert isinstance(page, Markup)
    assert not {"<script", "<img", "head"} & set(re.findall(r"<script|<img|head", page))
    assert [href for href in re.findall(r'href="([^"]*)"', page) if "evil" not in href] == ["/stats", "/r/held"]
    assert "<code>/other</code>" in page
