"""Texts are cut to what the vendor takes, between characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.notifications.outbox.records import LONGEST_BODY_BYTES
from calling_pipeline.notifications.rendering import fit


@given(st.text(max_size=1200), st.integers(40, LONGEST_BODY_BYTES))
def test_a_cut_text_is_within_its_bytes_and_whole_in_characters(text, limit):
    fitted, cut = fit(text, limit)
    assert len(fitted.encode()) <= limit
    assert (cut == 0) == (fitted == text)
    assert len(text.encode()) <= LONGEST_BODY_BYTES or cut or limit >= len(text.encode())
