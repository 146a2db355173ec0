"""Plain words: what the glossary rules out is nowhere written, in code, SQL, texts, tests and docs."""

import pytest

from calling_pipeline_tests.house.words import banned_words, texts


def test_no_banned_word_is_used():
    found = {name: words for name, text in texts() if (words := banned_words(text))}
    assert found == {}


@pytest.mark.parametrize("text", [
    "The extension is lent to a collector.",
    "def bury_the_dead(): ...",
    "Nobody is told.",
    "Its fate is unknown.",
    "kept for ever",
    "The collector and his phone",
    "At most 20 messages a minute",
    "one row a date",
    "-- One row a unit\n-- of work",
    "# the claims of\n# the dead, which",
    "# waits for\n# ever",
])  # fmt: skip
def test_banned_words_are_found(text):
    assert banned_words(text)


@pytest.mark.parametrize("text", [
    "r.lent_at AS lent_at",
    "the dead letters of this outbox",
    "one is a number, the other is not",
    "waits a second",
    "once a call has ended",
    "the calendar, hundreds, this, others, them",
    "One person can hold a role",
    "extensions per second",
])  # fmt: skip
def test_plain_words_are_not(text):
    assert banned_words(text) == []


def test_a_find_names_its_line():
    assert banned_words("plain\n-- lent\nplain") == [(2, "lent")]
