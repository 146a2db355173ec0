"""The Chinese font of reports: where it lies, what it is called, and which characters it has.

A PDF for everybody (PDF/UA) holds no character that its font lacks, so each one is known before a text is set.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn

from calling_pipeline.errors import ConfigurationError

SYSTEM = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/opentype/noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
)
"""Where Debian, older Debian, Fedora and Arch keep Noto Sans CJK."""
LACKING = "\u25a1"
"""Stands for what the font lacks: an empty square."""
BREAK = "\u200b"
"""A place where a word may be broken; it needs no picture."""
_FAMILY, _TYPOGRAPHIC_FAMILY, _WINDOWS = 1, 16, 3


@dataclass(frozen=True)
class Font:
    """One face: its file, its family, and the characters it has as ranges, both ends included."""

    path: Path
    family: str
    ranges: Sequence[tuple[int, int]]

    def has(self, char: str) -> bool:
        """Whether the font has a picture of the character."""
        place = bisect_right(self.ranges, (ord(char), 0x110000)) - 1
        return place >= 0 and ord(char) <= self.ranges[place][1]

    def shown(self, text: str) -> str:
        """The text with a square for every character that the font lacks; line breaks and tabs become spaces."""
        if text.isascii() and text.isprintable():
            return text
        return "".join(char if char == BREAK or self.has(char) else " " if char in "\n\r\t" else LACKING for char in text)


def font_of(chosen: Path | None = None) -> Font:
    """The font that was chosen, else the system's Noto Sans CJK, else the one of the wheel.

    Raises `ConfigurationError` when the chosen one is no font that has Chinese.
    """
    found = chosen or next((path for path in SYSTEM if path.is_file()), None) or Path(pylopdf_fonts_zh_cn.sans_path())
    try:
        return _read(found, found.stat().st_mtime_ns)
    except (OSError, struct.error, IndexError, StopIteration, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"CALLING_REPORT_FONT: {found} is no OpenType font with Chinese characters; unset it for the built-in one"
        ) from error


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Font:
    """`changed` makes a replaced file a new one."""
    data = path.read_bytes()
    faces = [(_family(data, tables), tables) for tables in _faces(data)]
    family, tables = next((one for one in faces if one[0].endswith(" SC")), faces[0])
    ranges = sorted(_ranges(data, tables["cmap"]))
    font = Font(path, family, ranges)
    if not font.has("中") or not font.has(LACKING):
        raise StopIteration
    return font


def _faces(data: bytes) -> Iterator[dict[str, int]]:
    """Of each face the places of its tables."""
    starts: Sequence[int] = (0,)
    if data[:4] == b"ttcf":
        (count,) = struct.unpack_from(">I", data, 8)
        starts = struct.unpack_from(f">{min(count, 64)}I", data, 12)
    for start in starts:
        (count,) = struct.unpack_from(">H", data, start + 4)
        entries = (struct.unpack_from(">4sIII", data, start + 12 + 16 * number) for number in range(count))
        tables = {tag.decode("latin-1"): offset for tag, _, offset, _ in entries}
        if "cmap" in tables and "name" in tables:
            yield tables


def _family(data: bytes, tables: dict[str, int]) -> str:
    start = tables["name"]
    _, count, strings = struct.unpack_from(">HHH", data, start)
    found: dict[int, str] = {}
    for number in range(count):
        platform, _, language, name, length, offset = struct.unpack_from(">6H", data, start + 6 + 12 * number)
        if platform == _WINDOWS and language == 0x409 and name in (_FAMILY, _TYPOGRAPHIC_FAMILY):
            at = start + strings + offset
            found[name] = data[at : at + length].decode("utf-16-be")
    return found.get(_TYPOGRAPHIC_FAMILY) or next(iter(found.values()))


def _ranges(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """The characters of the table of segments that covers all of Unicode (format 12)."""
    (count,) = struct.unpack_from(">H", data, start + 2)
    places = (struct.unpack_from(">HHI", data, start + 4 + 8 * number)[2] for number in range(count))
    at = next(start + place for place in places if data[start + place : start + place + 2] == b"\x00\x0c")
    (groups,) = struct.unpack_from(">I", data, at + 12)
    for number in range(groups):
        first, last, glyph = struct.unpack_from(">III", data, at + 16 + 12 * number)
        yield (first if glyph else first + 1, last)
