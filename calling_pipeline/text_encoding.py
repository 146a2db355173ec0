"""In which of the two encodings that people here save text files a file is written."""

from __future__ import annotations

import codecs
from pathlib import Path

_BLOCK = 1 << 20


def encoding_of(path: Path) -> str:
    """`utf-8-sig` (with or without the mark) where the whole file is UTF-8, else `gb18030`; read in blocks of a megabyte."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"
