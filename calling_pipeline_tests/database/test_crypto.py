"""Secrets at rest open only with their key, for their row, unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling_pipeline.database.crypto import SecretBox, derive_key
from calling_pipeline.errors import SecretUnreadable

BOX = SecretBox(b"some key material of the tests")


@given(st.text(), st.text(max_size=30))
def test_a_secret_comes_back_as_it_was(secret, owner):
    assert BOX.open(BOX.seal(secret, owner=owner), owner=owner) == secret


def test_equal_secrets_look_different_at_rest():
    assert BOX.seal("token", owner="a") != BOX.seal("token", owner="a")


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: b"\x02" + sealed[1:],
        lambda _: b"",
    ],
)
def test_a_changed_secret_is_refused(change):
    with pytest.raises(SecretUnreadable):
        BOX.open(change(BOX.seal("token-value-1", owner="a")), owner="a")


def test_a_secret_copied_to_another_row_or_opened_with_another_key_is_refused_with_the_way_out():
    sealed = BOX.seal("token", owner="tenant:1:access_key")
    with pytest.raises(SecretUnreadable, match=r"tenant:2:access_key.*CALLING_SECRET_KEY"):
        BOX.open(sealed, owner="tenant:2:access_key")
    with pytest.raises(SecretUnreadable):
        SecretBox(b"another key material").open(sealed, owner="tenant:1:access_key")


def test_each_purpose_has_its_own_key():
    assert derive_key(b"material", "phone hash") != derive_key(b"material", "secrets at rest")
