"""The words by which a person settles what is `unknown`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from calling_pipeline.errors import InvalidInput

Settlement = Literal["done", "retry", "abandoned"]
"""`done`: it happened, as the vendor confirms. `retry`: it did not, attempt it again. `abandoned`: leave it; whether it
happened or not, it is not attempted again."""

_WORDS: Mapping[str, Settlement] = {
    "done": "done",
    "pushed": "done",
    "delivered": "done",
    "sent": "done",
    "retry": "retry",
    "abandoned": "abandoned",
}


def settlement_of(word: str) -> Settlement:
    """The settlement a door's word stands for: calls are `pushed`, messages `delivered`, reports `sent`: all are `done`.

    Raises `InvalidInput` for any other word.
    """
    if word not in _WORDS:
        raise InvalidInput(f"{word[:20]!r} settles nothing; write one of {', '.join(_WORDS)}", field="settle_as")
    return _WORDS[word]
