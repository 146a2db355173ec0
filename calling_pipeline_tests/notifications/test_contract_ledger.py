"""Reading and rewriting the CSV: what is wrong is named by line, what is right goes on, and no byte moves."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications.contracts.contract_ledger import parse
from calling_pipeline.notifications.contracts.ledger_rows import COLUMNS
from calling_pipeline_tests.notifications.world import HEADER, csv_bytes, row

GOOD = csv_bytes([row(1), row(2), row(3)], encoding="utf-8")
LINES = GOOD.split(b"\r\n")[:-1]


def with_lines(*replaced: tuple[int, bytes], end: bytes = b"\r\n") -> bytes:
    """The good ledger with lines (by number) replaced."""
    lines = list(LINES)
    for number, content in replaced:
        lines[number - 1] = content
    return end.join([*lines, b""])


def field(number: int, column: str, value: str) -> bytes:
    return csv_bytes([row(number, **{column: value})], encoding="utf-8").split(b"\r\n")[1]


def swap(content: bytes, old: str, new: str) -> bytes:
    return content.replace(old.encode(), new.encode(), 1)


UNUSABLE = {
    "an empty file": (b"", "empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "empty"),
    "only blank lines": (b"\r\n\r\n  \r\n", "empty"),
    "utf-16": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "utf-16 without a mark": (GOOD.decode().encode("utf-16-le"), "lacks the columns|neither UTF-8"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00\x08\x00!\x00\xff\xff", "lacks the columns|neither UTF-8"),
    "semicolons": (GOOD.replace(b",", b";"), "lacks the columns"),
    "tabs": (GOOD.replace(b",", b"\t"), "lacks the columns"),
    "a header in latin letters": (b"id,name\r\n1,x\r\n", "lacks the columns"),
    "no header at all": (b"\r\n".join(LINES[1:]), "lacks the columns"),
    "a header with an open quote": (b'"' + GOOD[:200].replace(b'"', b""), "header, opens a quote"),
    "a column twice": (swap(GOOD, "工单编号(serviceAppointmentNum)", "备注"), "备注 twice"),
    "a mark and another encoding": (b"\xef\xbb\xbf" + GOOD.decode().encode("gb18030"), "neither UTF-8"),
} | {f"without {column}": (swap(GOOD, column, "别的"), "lacks the columns") for column in COLUMNS}

PARKED = {
    "one field too few": (with_lines((3, LINES[2].rsplit(b",", 1)[0])), [3], "has 15 fields where the header has 16"),
    "one field too many": (with_lines((3, LINES[2] + b",x")), [3], "has 17 fields"),
    "a single word": (with_lines((3, b"oops")), [3], "has 1 fields"),
    "a quote that never closes": (with_lines((3, b'"' + LINES[2])), [3], "quote"),
    "text behind a quote": (with_lines((3, b'"a"b' + LINES[2])), [3], "text behind a closing quote"),
    "two stray quotes lines apart": (
        with_lines((2, b'"' + LINES[1]), (4, LINES[3].replace(b",", b',"', 1))), [2, 4], "quote",
    ),
    "another encoding in one line": (with_lines((3, LINES[2].decode().encode("gb18030"))), [3], "is not UTF-8"),
    "half a character": (with_lines((3, LINES[2][:60] + b"\xe4" + LINES[2][60:])), [3], "is not UTF-8|fields"),
    "an empty contract id": (with_lines((3, field(2, "合同ID(_id)", ""))), [3], "is empty"),
    "a blank contract id": (with_lines((3, field(2, "合同ID(_id)", "   "))), [3], "is empty"),
    "an overlong contract id": (with_lines((3, field(2, "合同ID(_id)", "x" * 300))), [3], "longer than 200"),
    "neither Y nor N": (with_lines((3, field(2, "是否发送通知", "是"))), [3], "must be Y or N"),
    "no status": (with_lines((3, field(2, "是否发送通知", ""))), [3], "must be Y or N"),
    "an odd award state": (with_lines((3, field(2, "激活奖励状态", "maybe"))), [3], "must be 0 or 1"),
    "a zero byte": (with_lines((3, field(2, "备注", "a\x00b"))), [3], "zero byte"),
    "the same id with another city": (
        with_lines((3, field(1, "活动城市(province)", "上海"))), [2, 3],
        r"id-1 stands in lines 2, 3, which differ in 活动城市\(province\)$",
    ),
    "the same id with two other amounts": (
        with_lines((3, field(1, "管家累计金额", "1")), (4, field(1, "备注", "2"))), [2, 3, 4],
        "stands in lines 2, 3, 4, which differ in 管家累计金额, 备注$",
    ),
    "the same id in its full-width form with another name": (
        with_lines((3, field(1, "合同ID(_id)", "ｉｄ－１").replace("管家1".encode(), "管家9".encode()))), [2, 3],
        "differ in 管家",
    ),
    "a second header in the middle": (with_lines((3, LINES[0])), [3], "must be Y or N"),
    "a conflict marker": (with_lines((3, b"<<<<<<< mine")), [3], "has 1 fields"),
    "the last line cut off": (GOOD[:-30], [4], "fields|quote"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_of_which_nothing_can_be_used_says_why(name):
    content, reason = UNUSABLE[name]
    with pytest.raises(InvalidInput, match=reason):
        parse(content)


@pytest.mark.parametrize("name", PARKED)
def test_a_broken_line_is_parked_by_its_number_and_the_others_are_used(name):
    content, lines, reason = PARKED[name]
    ledger = parse(content)
    assert [parked.line for parked in ledger.parked] == lines
    assert all(re.search(reason, parked.reason) for parked in ledger.parked)
    assert [c.line for c in ledger.contracts] == [line for line in (2, 3, 4) if line not in lines]


def test_there_are_at_least_forty_malformed_files():
    assert len(UNUSABLE) + len(PARKED) >= 40


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("tail", [b"", b"\r\n", b"\r\n\r\n"])
def test_blank_lines_and_a_missing_last_line_end_are_no_errors_and_stay(encoding, tail):
    content = csv_bytes([row(1), row(2)], encoding=encoding).removesuffix(b"\r\n") + tail
    ledger = parse(content)
    assert (ledger.encoding, ledger.parked, len(ledger.contracts)) == (encoding, [], 2)
    assert ledger.with_status({}) == content


def test_numbers_as_spreadsheets_write_them_are_read():
    ledger = parse(csv_bytes([row(1, award="1.0"), row(2, award="0.0"), row(3, award=""), row(4, notified="y")]))
    assert [c.award_active for c in ledger.contracts] == [True, False, False, False]
    assert ledger.contracts[3].notified


def test_quoted_line_ends_within_a_field_keep_later_line_numbers_right():
    content = csv_bytes([row(1, 备注="一\n二\r\n三"), row(2, 激活奖励状态="x")])
    assert [(parked.line, parked.contract_id) for parked in parse(content).parked] == [(5, "id-2")]


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters=',"\n') | st.sampled_from("，合同🟢\r"), max_size=12
)


@given(
    rows=st.lists(st.tuples(texts, texts, st.sampled_from("YN")), min_size=1, max_size=8),
    chosen=st.sets(st.integers(0, 7)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_a_rewrite_changes_the_chosen_letters_and_nothing_else(rows, chosen, encoding, line_end, quoting):
    values = [
        row(n, notified=letter, 备注=note, **{"管家(serviceHousekeeper)": name})
        for n, (note, name, letter) in enumerate(rows)
    ]

    def written(lines):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, HEADER, lineterminator=line_end, quoting=quoting)
        writer.writeheader()
        writer.writerows(lines)
        return text.getvalue().encode(encoding)

    ledger = parse(written(values))
    assert ledger.parked == []
    assert [(c.note, c.housekeeper) for c in ledger.contracts] == [(note.strip(), name.strip()) for note, name, _ in rows]
    changes = {f"id-{n}": True for n in chosen if n < len(rows)}
    expected = [{**line, "是否发送通知": "Y"} if line["合同ID(_id)"] in changes else line for line in values]
    assert ledger.with_status(changes) == written(expected)


@given(st.binary(max_size=400), st.integers(0, 600))
def test_any_bytes_within_a_ledger_are_read_or_named_and_stay_as_they_are(noise, place):
    content = GOOD[:place] + noise + GOOD[place:]
    try:
        ledger = parse(content)
    except InvalidInput:
        return
    assert ledger.with_status({}) == content
    assert len({c.contract_id for c in ledger.contracts}) == len(ledger.contracts)
