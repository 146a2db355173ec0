"""Spellings of telephone numbers: what each means, and that PostgreSQL and Python read them alike."""

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from calling_pipeline.call_batches.planning import phone_sql
from calling_pipeline.database.engine import driver_dsn
from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_sample
from calling_pipeline.phones import canonical_phone, read_phone
from calling_pipeline_tests.support import NIGHTLY

MOBILE = "13812345678"
SPELLINGS = [
    ("13812345678", "mobile"), (" 13812345678 ", "mobile"), ("138 1234 5678", "mobile"), ("138-1234-5678", "mobile"),
    ("138－1234－5678", "mobile"), ("138–1234–5678", "mobile"), ("+8613812345678", "mobile"),
    ("+86 138 1234 5678", "mobile"),
    ("+86-13812345678", "mobile"), ("＋８６１３８１２３４５６７８", "mobile"), ("008613812345678", "mobile"),
    ("0086-138-1234-5678", "mobile"), ("8613812345678", "mobile"), ("86 13812345678", "mobile"),
    ("(+86)13812345678", "mobile"),
    ("（86）138 1234 5678", "mobile"), ("013812345678", "mobile"), ("１３８１２３４５６７８", "mobile"),
    ("１３８　１２３４　５６７８", "mobile"), ("13812345678.0", "mobile"), ("13812345678.00", "mobile"),
    ("13812345678.", "mobile"), ("(13812345678.0)", "mobile"),
    ("+8613812345678.0", "mobile"), ("1.3812345678E+10", "mobile"), ("1.3812345678e10", "mobile"),
    ("1.3812345678E10", "mobile"),
    ("13812345678\t", "mobile"), ("\n13812345678\r\n", "mobile"), ("\u00a013812345678", "mobile"),
    ("\ufeff13812345678", "mobile"),
    ("138\u200b12345678", "mobile"), ("'13812345678", "mobile"), ("‘13812345678", "mobile"), ("手机：13812345678", "mobile"),
    ("手机号:138 1234 5678", "mobile"), ("Tel: 13812345678", "mobile"), ("联系电话 13812345678", "mobile"),
    ("138.1234.5678", "mobile"), ("138_1234_5678", "mobile"), ("[13812345678]", "mobile"), ("138/1234/5678", "mobile"),
    ("138·1234·5678", "mobile"), ('"13812345678"', "mobile"),
    ("1.38E+10", "digits_lost"), ("1.38123E+10", "digits_lost"), ("1E10", "digits_lost"),
    ("", "blank"), ("   ", "blank"), ("\u3000", "blank"), (None, "blank"), ("\u200b", "blank"),
    ("138****5678", "masked"), ("138xxxx5678", "masked"), ("138****", "masked"), ("138 **** 5678", "masked"),
    ("*******5678", "masked"), ("5678", "tail_only"), ("尾号5678", "tail_only"), ("尾号：5678", "tail_only"),
    ("010-12345678", "land_line"), ("0755-12345678", "land_line"), ("(021)62345678", "land_line"),
    ("+86 10 62345678", "land_line"),
    ("62345678", "land_line"), ("400-800-1234", "service_number"), ("8008201234", "service_number"),
    ("110", "short_number"), ("120", "short_number"), ("10086", "short_number"), ("95588", "short_number"),
    ("12345", "short_number"), ("106575201234", "short_number"),
    ("+852 9123 4567", "foreign"), ("+1 415 555 2671", "foreign"), ("0044 20 7946 0958", "foreign"),
    ("13812345678/13912345678", "several_numbers"), ("13812345678 13912345678", "several_numbers"),
    ("13812345678、13912345678", "several_numbers"), ("13812345678,+8613912345678", "several_numbers"),
    ("1381234567", "not_a_number"), ("138123456789", "not_a_number"), ("12345678901", "not_a_number"),
    ("无", "not_a_number"),
    ("张三", "not_a_number"), ("13812345678a", "not_a_number"), ("1381234567O", "not_a_number"), ("N/A", "not_a_number"),
    ("NULL", "not_a_number"), ("0", "not_a_number"), ("-1", "not_a_number"), ("14112345678", "not_a_number"),
    ("15412345678", "not_a_number"), ("1.3812345678E+11", "not_a_number"), ("1.5", "not_a_number"), ("+86", "not_a_number"),
]  # fmt: skip


@pytest.fixture
def driver(database_url):
    with psycopg.connect(driver_dsn(database_url), autocommit=True) as connection:
        yield connection


def in_database(driver, spellings: list[str]) -> list[str | None]:
    """What SQL is sure of, of each spelling."""
    query = sql.SQL("SELECT {} FROM unnest(%s::text[]) WITH ORDINALITY AS given (spelling, n) ORDER BY n")
    rows = driver.execute(query.format(phone_sql.mobile_in(sql.SQL("spelling"))), (spellings,)).fetchall()
    return [row[0] for row in rows]


def test_there_are_enough_spellings():
    assert len(SPELLINGS) >= 60


@pytest.mark.parametrize(("spelling", "kind"), SPELLINGS)
def test_a_spelling_is_read_for_what_it_is(spelling, kind):
    reading = read_phone(spelling)
    assert reading.kind == kind
    if kind == "mobile":
        assert reading.phone == MOBILE


def test_the_canonical_form_of_other_numbers_is_e164():
    assert read_phone("+852 9123 4567").phone == "+85291234567"
    assert read_phone("010-62345678").phone == "+861062345678"
    assert canonical_phone("+86 138 1234 5678") == MOBILE
    with pytest.raises(InvalidInput, match=r"\*\*34") as caught:
        canonical_phone("138 1234")
    assert "138 1234" not in str(caught.value)


def test_sql_decides_only_what_python_would_decide_too(driver):
    spellings = [spelling for spelling, _ in SPELLINGS if spelling is not None]
    for spelling, mobile in zip(spellings, in_database(driver, spellings), strict=True):
        assert mobile is None or mobile == read_phone(spelling).phone, spelling


def test_sql_is_sure_of_the_common_spellings(driver):
    common = [MOBILE, f"+86{MOBILE}", f"+86 {MOBILE}", f"0086{MOBILE}", "138-1234-5678", "138 1234 5678", f"{MOBILE}.0",
              "１３８１２３４５６７８", f" {MOBILE} ", f"0{MOBILE}"]  # fmt: skip
    assert in_database(driver, common) == [MOBILE] * len(common)


_digits = st.text("0123456789", min_size=0, max_size=13)
_ornaments = st.sampled_from(["", " ", "-", "+86", "0086", "86", "+", "0", ".0", ".", "０", "１３８", "\u3000", "*", "****",
                              "E+10", "a", "(", ")", "'", "/", "\t", "转1", "\u200b", "－"])  # fmt: skip
_prefixes = st.sampled_from(["138", "199", "1740", "1610", "154", "170"])
_mobiles = st.builds("{}{}".format, _prefixes, st.text("0123456789", min_size=7, max_size=8))
_generated = st.lists(st.lists(_digits | _mobiles | _ornaments, max_size=5).map("".join), min_size=200, max_size=200)


def test_thousands_of_generated_spellings_are_read_alike_by_sql_and_python(driver):
    from hypothesis import settings

    @settings(max_examples=200 if NIGHTLY else 15)
    @given(_generated)
    def alike(spellings: list[str]) -> None:
        for spelling, mobile in zip(spellings, in_database(driver, spellings), strict=True):
            reading = read_phone(spelling)
            assert mobile is None or (reading.kind, reading.phone) == ("mobile", mobile), repr(spelling)

    alike()


@given(st.text(max_size=40))
def test_any_text_is_read_without_an_error_and_masked_for_display(text):
    reading = read_phone(text)
    assert (reading.phone is not None) or reading.kind not in ("mobile", "foreign")
    shown = mask_sample(text)
    assert sum(sign.isdigit() for sign in shown) <= 7


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_ornaments_do_not_change_a_mobile(number):
    plain = read_phone(number)
    for spelling in (
        f"+86{number}",
        f"0086 {number}",
        f"{number[:3]}-{number[3:7]}-{number[7:]}",
        f"{number}.0",
        f" {number}",
    ):
        again = read_phone(spelling)
        assert again == plain if plain.kind == "mobile" else again.kind != "mobile"
