"""What is shown of numbers and secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.masking import mask_digits, mask_phone, mask_secret, phone_hash


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812340000", "138****0000"),
        ("+8613812340000", "+86****0000"),
        ("12345", "***45"),
        ("110", "***"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_phone_shows_its_ends_only(phone, shown):
    assert mask_phone(phone) == shown


def test_a_number_masked_already_stays_as_it_is():
    assert mask_phone("138****0000") == "138****0000"


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text(alphabet="abc 号:", max_size=10))
def test_no_whole_number_is_left_in_free_text(phone, around):
    assert phone not in mask_digits(around + phone + around)


def test_a_secret_shows_its_end_only_when_it_is_long():
    assert (mask_secret("short"), mask_secret("a-long-secret-1234"), mask_secret(None)) == ("****", "****1234", "")


def test_a_hash_joins_equal_phones_and_needs_the_key():
    assert phone_hash(b"k", "13812340000") == phone_hash(b"k", "13812340000")
    assert phone_hash(b"k", "13812340000") != phone_hash(b"other", "13812340000")
