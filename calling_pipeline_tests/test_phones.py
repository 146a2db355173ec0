"""Every reader of telephone numbers gives one number the same canonical form and the same hash, however it is written."""

import datetime as dt
import re

import phonenumbers
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from calling_pipeline import days
from calling_pipeline.call_batches.planning import phone_sql
from calling_pipeline.call_stats.sync.staging import COLUMNS, Stager
from calling_pipeline.contact_policy import do_not_call, store
from calling_pipeline.database.engine import driver_dsn, make_engine
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_phone, phone_hash
from calling_pipeline.phones import LONGEST_SPELLING, canonical_phone, mobile_prefixes, read_any, read_phone
from calling_pipeline.telephony.tenants import numbers
from calling_pipeline.vendors.guanke.records import CallRecord
from calling_pipeline_tests.conftest import TEMPLATE, temporary_database

KEY = b"key"
DAY = dt.date(2026, 11, 20)
NOON = int(days.day_bounds(DAY)[0].timestamp()) + 12 * 3600
MOBILE = "13812345678"

NAMED = [
    ("13812345678", MOBILE),
    ("+8613812345678", MOBILE),
    ("+86 138-1234-5678", MOBILE),
    ("008613812345678", MOBILE),
    ("8613812345678", MOBILE),
    ("013812345678", MOBILE),
    ("１３８１２３４５６７８", MOBILE),
    ("138.1234.5678", MOBILE),
    ("(138)12345678", MOBILE),
    ("13812345678.0", MOBILE),
    ("手机:13812345678", MOBILE),
    ("1.3812345678E+10", MOBILE),
    ("02088886666", "+862088886666"),
    ("+86 20 8888 6666", "+862088886666"),
    ("00852 9123 4567", "+85291234567"),
]
NO_NUMBER = [
    "138****5678", "5678", "尾号5678", "1.38E+10", "13812345678/13912345678", "62345678", "10086", "15412345678",
    "138123456789", "无", "", "13812345678*101", "1" * (LONGEST_SPELLING + 1),
    f"138{' ' * LONGEST_SPELLING}12345678",
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(server_url):
    """One database for all examples: each rolls back."""
    for url in temporary_database(server_url, TEMPLATE):
        made = make_engine(url)
        yield made
        made.dispose()


def read_by_batches(engine, spellings):
    """As planning reads a source table."""
    query = sql.SQL(
        "SELECT coalesce({mobile}, judged.phone) FROM spellings LEFT JOIN judged_phones AS judged"
        " ON {mobile} IS NULL AND judged.spelling = spellings.spelling ORDER BY n"
    ).format(mobile=phone_sql.mobile_in(sql.Identifier("spellings", "spelling")))
    with psycopg.connect(driver_dsn(engine.url)) as driver:
        driver.execute(
            "CREATE TEMPORARY TABLE spellings ON COMMIT DROP AS"
            " SELECT spelling, n FROM unnest(%s::text[]) WITH ORDINALITY AS given (spelling, n)",
            (spellings,),
        )
        phone_sql.judge_odd_spellings(driver, sql.Identifier("spellings"), "spelling")
        rows = driver.execute(query).fetchall()
        driver.rollback()
    return [row[0] for row in rows]


def read_by_telephony(_, spellings):
    return [_or_none(numbers.customer_number, spelling) for spelling in spellings]


def read_by_contact_policy(engine, spellings):
    """What the do-not-call list holds after the number was put on it."""
    listed = []
    with engine.connect() as connection:
        for spelling in spellings:
            added = _or_none(lambda text: do_not_call.add(connection, text, source="customer"), spelling)
            entries = store.blocked(connection, days.now())
            listed.append(entries[0].phone if added else None)
            for entry in entries:
                do_not_call.remove(connection, entry.phone)
        connection.rollback()
    return listed


READERS = [read_by_batches, read_by_telephony, read_by_contact_policy]


def staged(spellings):
    """(masked phone, hash or None) of a call record with each spelling."""
    records = [CallRecord(id=n, called_at_s=NOON, real_phone=spelling) for n, spelling in enumerate(spellings)]
    lines = Stager(DAY, KEY).lines(records).splitlines()
    columns = [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]
    digests = [row["phone_hash"] for row in columns]
    return [
        (row["phone_masked"], None if digest == "\\N" else bytes.fromhex(digest.removeprefix("\\\\x")))
        for row, digest in zip(columns, digests, strict=True)
    ]


def _or_none(read, spelling):
    try:
        return read(spelling)
    except InvalidInput:
        return None


@pytest.mark.parametrize(("spelling", "phone"), NAMED)
def test_every_reader_gives_a_named_spelling_the_same_number_and_hash(engine, spelling, phone):
    assert [read(engine, [spelling]) for read in READERS] == [[phone]] * len(READERS)
    assert staged([spelling]) == [(mask_phone(phone), phone_hash(KEY, phone))]


@pytest.mark.parametrize("spelling", NO_NUMBER)
def test_no_reader_makes_a_number_of_a_text_that_names_none(engine, spelling):
    assert [read(engine, [spelling]) for read in READERS] == [[None]] * len(READERS)
    [(masked, digest)] = staged([spelling])
    assert digest is None
    assert len(re.sub(r"\D", "", masked)) <= 10


def test_call_records_keep_the_text_that_names_no_number_masked():
    texts = ["138****5678", "尾号5678", "13812345678/13912345678", "", "无\t号"]
    assert [masked for masked, _ in staged(texts)] == ["138****5678", "****78", "138****5678", "", "**"]


@pytest.mark.parametrize("read", [canonical_phone, numbers.customer_number, numbers.international_number])
def test_a_refusal_shows_no_whole_number(read):
    for text in ("138123456789", "13812345678/13912345678", "15412345678 "):
        with pytest.raises(InvalidInput) as refused:
            read(text)
        assert re.search(r"\d{5}", str(refused.value)) is None


def test_telephony_shows_collectors_numbers_in_international_form():
    assert numbers.international_number("138 1234 5678") == "+8613812345678"
    assert numbers.international_number("(020)88886666") == "+862088886666"
    assert numbers.international_number("+852 9123 4567") == "+85291234567"


def test_a_number_dialled_with_a_carriers_prefix_is_that_mobile():
    assert [read_phone(text) for text in ("17951 13812345678", "12593138-1234-5678")] == [read_phone(MOBILE)] * 2


def test_the_first_five_digits_decide_whether_a_mobile_can_exist():
    for prefix in range(10_000, 20_000):
        kinds = {read_any(f"{prefix}{rest}").kind == "mobile" for rest in ("000000", "471825", "999999")}
        assert kinds == {str(prefix) in mobile_prefixes()}, prefix


_digits = st.text("0123456789", max_size=13)
_ornaments = st.sampled_from(
    [
        "",
        " ",
        "-",
        "+86",
        "0086",
        "86",
        "+",
        "0",
        ".0",
        ".",
        "０",
        "＋",
        "１３８",
        "\u3000",
        "*",
        "a",
        "(",
        ")",
        "\t",
        "\u200b",
    ]
)
_near_mobiles = st.builds("1{}{}".format, st.sampled_from("3456789"), st.text("0123456789", min_size=8, max_size=10))


@given(st.lists(_digits | _ornaments | _near_mobiles, max_size=5).map("".join))
def test_the_short_cut_for_common_spellings_reads_what_the_whole_judgement_reads(text):
    assert read_phone(text) == read_any(text)


mobiles = st.builds(
    "{}{}".format, st.sampled_from(sorted(mobile_prefixes())), st.text("0123456789", min_size=6, max_size=6)
).map(lambda number: (number, ["", "+86", "86", "0086", "0", "+86 ", "(+86)", "86-"], number))
land_lines = st.tuples(
    st.sampled_from(["10", "20", "21", "755", "571"]), st.from_regex(r"[5-8][0-9]{7}", fullmatch=True)
).map(lambda parts: (f"+86{parts[0]}{parts[1]}", ["0", "+86", "86", "0086", "+86 0"], f"{parts[0]}{parts[1]}"))
foreign = st.builds("{}{}".format, st.sampled_from(["852", "65"]), st.from_regex(r"[689][0-9]{7}", fullmatch=True)).map(
    lambda number: (f"+{number}", ["+", "00"], number)
)
whole_numbers = (mobiles | land_lines | foreign).filter(
    lambda number: phonenumbers.is_valid_number(phonenumbers.parse(number[0], "CN"))
)
WIDE_DIGITS = str.maketrans("0123456789+", "０１２３４５６７８９＋")
ZEROS_OR_FRACTION = re.compile(r".*\d{7,}\.0+")
"""`1381234.0000`: nobody can tell whether the zeros belong to the number."""


@st.composite
def spelled(draw):
    """(a spelling, the canonical number it names)."""
    canonical, prefixes, national = draw(whole_numbers)
    if canonical == national and draw(st.integers(0, 9)) == 0:
        mantissa = f"{canonical[0]}.{canonical[1:]}".rstrip("0")
        return (f"{mantissa}E+10" if len(mantissa) > 9 else canonical), canonical
    separator = draw(st.sampled_from(["", " ", "-", ".", "·", "/", "_", "－", "\u3000", " - "]))
    cuts = sorted(draw(st.sets(st.sampled_from([2, 3, 7]), max_size=2)))
    groups = [national[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    text = draw(st.sampled_from(prefixes)) + separator.join(groups)
    if ZEROS_OR_FRACTION.fullmatch(text):
        text = text.replace(".", "-")
    if separator in ("", " ", "-") and draw(st.booleans()):
        text += draw(st.sampled_from([".0", ".", ".00"]))
    if draw(st.booleans()):
        text = text.translate(WIDE_DIGITS)
    text = draw(st.sampled_from(["", "手机:", "手机号：", "电话 ", "Tel: ", "联系电话"])) + draw(
        st.sampled_from(["{}", "[{}]"])
    ).format(text)
    text = draw(st.sampled_from(["{}", " {} ", "'{}", '"{}"', "\ufeff{}", "{}\t", "\u200b{}\r\n"])).format(text)
    return text, canonical


@given(st.lists(spelled(), min_size=1, max_size=40))
def test_every_reader_gives_a_generated_spelling_the_same_number_and_hash(engine, pairs):
    texts, phones = [text for text, _ in pairs], [phone for _, phone in pairs]
    for read in READERS:
        assert list(zip(texts, read(engine, texts), strict=True)) == list(zip(texts, phones, strict=True)), read.__name__
    assert staged(texts) == [(mask_phone(phone), phone_hash(KEY, phone)) for phone in phones]
