"""A table that people give as text: a CSV, or cells copied from a sheet, which are separated by tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from calling_pipeline.errors import InvalidInput

LONGEST_CELL = 131_072
"""Characters of a cell: a longer one is an unclosed quotation mark."""


def read_table(text: str) -> list[list[str]]:
    """The rows that are not empty, cells without outer spaces. Raises `InvalidInput` for a text that is no table."""
    plain = text.removeprefix("\ufeff")
    first = plain.lstrip().partition("\n")[0]
    separator = next((sign for sign in "\t;,，" if sign in first), ",")
    reader = csv.reader(io.StringIO(plain), delimiter=separator)
    rows = []
    try:
        for row in reader:
            if any(len(cell) > LONGEST_CELL for cell in row):  # the csv module's own limit is of the whole process
                raise csv.Error
            rows.append([cell.strip() for cell in row])
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num} of the CSV cannot be read", field="csv") from error
    return [row for row in rows if any(row)]


def heads_of(row: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """The names of columns in a row of heads, as `words` give them; other texts stay as they are, in small letters."""
    return [words.get(cell, cell.lower()) for cell in row]
