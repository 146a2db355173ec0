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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("138-1234-5678", "138****5678"),
        ("call 138 1234 5678 again", "call 138****5678 again"),
        ("138.1234.5678、139－1234－5678", "138****5678、139****5678"),
        ("+86 138-1234-5678", "+861****5678"),
        ("(138)12345678", "(138****5678"),
        ("(021) 6234-5678", "(021****5678"),
        ("Key (phone)=(13812345678) exists", "Key (phone)=(138****5678) exists"),
        ("１３８ １２３４ ５６７８", "１３８****５６７８"),
        ("at 2026-11-23 10:00 138-1234-5678 hung up", "at 2026-11-23 10:00 138****5678 hung up"),
        ("3 2026-11-23 138-1234-5678", "3 2026-11-23 138****5678"),
        ("127.0.0.1 13812345678", "127.0.0.1 138****5678"),
        ("13812345678*101", "138****5678*101"),
    ],
)
def test_a_number_in_free_text_is_masked_also_with_separators(text, shown):
    assert mask_digits(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 10:00",
        "from 2026-11-23 10:00:00.123456+08:00 to 2026/11/24",
        "2026-11-23T10:00:00Z",
        "retry 12 2026-11-23 10:00:00",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "reference 0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "connection to 192.168.100.123:51234 refused",
        "page 3 of 1200 (1000 rows)",
        "版本 3.2.10",
        "138****0000",
        "123-456",
    ],
)
def test_dates_times_addresses_and_uuids_stay_readable(text):
    assert mask_digits(text) == text


_separators = st.sampled_from(["", " ", "-", ".", "·", "－", " - ", "\u3000"])


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), _separators, _separators, st.text(alphabet="abc 号:", max_size=10))
def test_no_whole_number_with_separators_is_left_in_free_text(phone, first, second, around):
    written = f"{phone[:3]}{first}{phone[3:7]}{second}{phone[7:]}"
    assert mask_digits(around + written + around) == f"{around}{phone[:3]}****{phone[7:]}{around}"


def test_a_number_masked_already_hides_digits_it_shows_in_a_row():
    assert mask_phone("13812345678*101") == "138****5678*101"


def test_a_secret_shows_its_end_only_when_it_is_long():
    assert (mask_secret("short"), mask_secret("a-long-secret-1234"), mask_secret(None)) == ("****", "****1234", "")


def test_a_hash_joins_equal_phones_and_needs_the_key():
    assert phone_hash(b"k", "13812340000") == phone_hash(b"k", "13812340000")
    assert phone_hash(b"k", "13812340000") != phone_hash(b"other", "13812340000")
