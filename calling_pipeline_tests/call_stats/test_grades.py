"""The grade rule, exactly as the operators gave it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.call_stats.grades import is_unknown, order_yuan

SPELLINGS = [
    (None, 0), ("", 0), ("9元", 9), ("1元", 1), ("9", 9), ("1", 1), ("A(9元)", 9), ("A(1元)", 1), ("19元", 0), ("11元", 0),
    ("A(19元)", 0), ("办理9元和1元", 9), ("1元,9元", 9), ("19元或9元", 9), ("11元 1元", 1), ("19", 0), ("11", 0), ("99", 0),
    ("9 ", 0), ("A", 0), ("9块", 0), ("91元", 0), ("29元", 0), ("元9", 0), ("要9元的", 9),
]  # fmt: skip


@pytest.mark.parametrize(("grade", "yuan"), SPELLINGS)
def test_each_spelling_is_judged_as_the_rule_says(grade, yuan):
    assert order_yuan(grade) == yuan


pieces = st.lists(
    st.sampled_from(["9", "1", "元", "9元", "1元", "19元", "11元", "A", "(", ")", " ", "和", "0"]), max_size=6
).map("".join)


@given(pieces)
def test_an_order_is_an_amount_of_its_own_and_nine_wins(grade):
    amounts = re.findall(r"(\d+)元", grade)
    nine, one = grade == "9" or "9" in amounts, grade == "1" or "1" in amounts
    assert order_yuan(grade) == (9 if nine else 1 if one else 0)


@given(pieces)
def test_an_order_is_never_an_unknown_grade(grade):
    assert not (order_yuan(grade) and is_unknown(grade))


@pytest.mark.parametrize("grade", ["高意向2026", "G", "9块", "ok"])
def test_a_text_the_rule_never_met_is_unknown(grade):
    assert is_unknown(grade)


@pytest.mark.parametrize("grade", [None, "", " ", "A", "f", "19元", "A(11元)", "9元", "1"])
def test_blanks_letters_amounts_and_orders_are_known(grade):
    assert not is_unknown(grade)
