"""The words by which a person settles what is unknown."""

import pytest

from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.errors import InvalidInput


@pytest.mark.parametrize(
    ("word", "settlement"),
    [("pushed", "done"), ("delivered", "done"), ("done", "done"), ("retry", "retry"), ("abandoned", "abandoned")],
)
def test_the_words_of_every_door_mean_one_settlement(word, settlement):
    assert settlement_of(word) == settlement


def test_any_other_word_is_refused_with_the_words_there_are():
    with pytest.raises(InvalidInput, match="pushed"):
        settlement_of("perhaps")
