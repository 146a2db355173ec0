"""A report as PDF: what readers and screen readers find in it, and that its bytes are those of its numbers."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pylopdf_fonts_zh_cn
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calling_pipeline.errors import Busy, ConfigurationError
from calling_pipeline.reports.files.charts import png_of
from calling_pipeline.reports.files.fonts import BREAK, LACKING, font_of
from calling_pipeline.reports.files.pdf import pdf_of
from calling_pipeline.reports.files.typesetting import typeset
from calling_pipeline_tests.reports.samples import HOSTILE, sample
from calling_pipeline_tests.support import NIGHTLY

WHEEL = Path(pylopdf_fonts_zh_cn.sans_path())
DIGEST = """
import hashlib
from calling_pipeline.reports.files.pdf import pdf_of
from calling_pipeline_tests.reports.samples import sample
print(hashlib.sha256(pdf_of(sample(), "zh")).hexdigest())
"""


def read(document: bytes) -> tuple[pypdf.PdfReader, str]:
    reader = pypdf.PdfReader(io.BytesIO(document))
    return reader, "\n".join(page.extract_text() for page in reader.pages).replace(BREAK, "")


def test_a_pdf_says_the_numbers_the_code_the_pages_and_what_is_missing() -> None:
    report = sample("weekly", partial=True, rows=210)

    reader, text = read(pdf_of(report, "en"))

    assert "187,412" in text
    assert "34.16 %" in text
    assert "1 days are not complete by call record: 2026-11-27." in text
    assert "The first 200 of 210 rows are shown." in text
    assert text.count(report.control_code) > len(reader.pages)
    assert f"1 / {len(reader.pages)}" in text
    assert sum("Connected rate" in page.extract_text() and "坐席" in page.extract_text() for page in reader.pages) > 2


def test_a_pdf_is_tagged_and_names_its_language_title_date_and_pictures() -> None:
    reader, text = read(pdf_of(sample(), "zh", font=WHEEL))
    root = reader.trailer["/Root"]
    tags: list[str] = []
    alts: list[str] = []
    _walk(root["/StructTreeRoot"], tags, alts)

    assert "日报 2026-11-27" in text
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "zh-CN"
    assert reader.metadata.title == "日报 2026-11-27（周五）"
    assert reader.metadata.creation_date.isoformat() == "2026-11-28T00:30:00+00:00"
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert {"/Table", "/TH", "/TD", "/H1", "/Figure", "/Caption"} <= set(tags)
    assert "订单数: 10-31 至 11-27，最小 1,600，最大 2,197" in alts


def test_the_chinese_font_is_in_the_file() -> None:
    reader, _ = read(pdf_of(sample(), "zh", font=WHEEL))

    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]

    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert "NotoSansSC" in font["/BaseFont"]
        assert "/FontFile3" in descriptor


def test_the_same_numbers_are_the_same_bytes_in_two_processes() -> None:
    here = hashlib.sha256(pdf_of(sample(), "zh")).hexdigest()

    done = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    there = done.stdout.strip()

    assert here == there
    assert here != hashlib.sha256(pdf_of(replace(sample(), revision=2), "zh")).hexdigest()


def test_text_from_outside_is_shown_as_it_is_and_never_obeyed() -> None:
    _, text = read(pdf_of(sample(names=HOSTILE, rows=len(HOSTILE)), "zh"))

    for shown in ("#let x = 1", '#image("/etc/passwd")', "$ x^2 $", "*bold* _it_ `raw` <label> @ref", "=HYPERLINK", "]#["):
        assert shown in text
    assert "root:" not in text


@settings(max_examples=200 if NIGHTLY else 5, deadline=None)
@given(names=st.lists(st.text(st.characters(exclude_categories=[]), max_size=40), min_size=1, max_size=40))
def test_any_text_can_be_set(names: list[str]) -> None:
    assert pdf_of(sample(names=tuple(names), rows=len(names)), "zh").startswith(b"%PDF-")


def test_a_font_says_what_it_lacks() -> None:
    font = font_of(WHEEL)

    assert font.family == "Noto Sans SC"
    assert font.shown("名字😀א\n\x00") == f"名字{LACKING}{LACKING} {LACKING}"


def test_a_file_that_is_no_font_is_named(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"OTTO", b"ttcf" + b"\xff" * 40, WHEEL.read_bytes()[:200])):
        broken = tmp_path / f"{number}.otf"
        broken.write_bytes(content)
        with pytest.raises(ConfigurationError, match=f"CALLING_REPORT_FONT: {broken} is no OpenType font"):
            font_of(broken)


def test_a_document_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    with pytest.raises(Busy, match=r"not ready within 0\.01 s and was stopped"):
        typeset("chart", {"svg": "<svg></svg>", "alt": "x"}, font_of(WHEEL), format="png", longest_s=0.01)

    assert not list(tmp_path.iterdir())


def test_a_chart_for_a_mail_is_a_small_picture_and_the_same_twice() -> None:
    chart = sample().section("trend").charts[0]

    picture = png_of(chart, "zh")

    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 60_000
    assert picture == png_of(chart, "zh")


def _walk(node: object, tags: list[str], alts: list[str]) -> None:
    node = node.get_object() if isinstance(node, pypdf.generic.IndirectObject) else node
    if isinstance(node, pypdf.generic.ArrayObject):
        for one in node:
            _walk(one, tags, alts)
    elif isinstance(node, pypdf.generic.DictionaryObject):
        if "/S" in node:
            tags.append(str(node["/S"]))
        if "/Alt" in node:
            alts.append(str(node["/Alt"]))
        if "/K" in node:
            _walk(node["/K"], tags, alts)
