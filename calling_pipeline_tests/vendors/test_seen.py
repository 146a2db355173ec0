"""What was seen of a window: the same answers as a set, in a fraction of its memory."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.vendors.guanke.seen import SeenKeys

NUMBERS = st.integers(-(2**70), 2**70) | st.integers(0, 600)
KEYS = st.lists(st.lists(NUMBERS | st.text(max_size=2) | st.none(), max_size=30), max_size=8)


def in_a_set(pages):
    seen, news = set(), []
    for page in pages:
        for key in page:
            news.append(key not in seen)
            seen.add(key)
    return news, len(seen)


@given(KEYS)
def test_a_key_is_new_exactly_once_whatever_it_is(pages):
    seen = SeenKeys()
    news = [new for page in pages for new in seen.take(page)]
    assert (news, len(seen)) == in_a_set(pages)


def test_numbers_far_from_each_other_are_kept_in_a_plain_set_and_none_is_forgotten():
    seen, far = SeenKeys(), [place * 1_000 for place in range(11_000)]
    assert all(seen.take(far))
    assert not any(seen.take(far))
    assert seen.take([5, 5, far[-1]]) == [True, False, False]
    assert len(seen) == 11_001


def test_a_day_in_a_row_takes_less_than_a_byte_per_record():
    tracemalloc.start()
    seen = SeenKeys()
    for page in range(100):
        seen.take(range(7_000_000_000 + page * 1_000, 7_000_000_000 + page * 1_000 + 1_000))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(seen) == 100_000
    assert held < 100_000
