"""What is written into the details of a task about people who were erased: their numbers are masked before it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from calling_pipeline.contact_policy.erased.entering import masked


def without_erased(connection: sa.Connection, details: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details with the numbers of erased people masked, in names, texts and whole numbers however deep.

    Where no mobile number stands it costs no statement. Nobody is erased until the transaction of what was looked at ends.
    """
    texts = list(dict.fromkeys(_texts(details)))
    kept = {text: said for text, said in zip(texts, masked(connection, texts), strict=True) if said != text}
    return _replaced(details, kept) if kept else details


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _replaced(value: Any, kept: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return kept.get(value, value)
    if isinstance(value, int) and not isinstance(value, bool):
        return kept.get(str(value), value)
    if isinstance(value, Mapping):
        return {kept.get(str(name), name): _replaced(inner, kept) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(inner, kept) for inner in value]
    return value
