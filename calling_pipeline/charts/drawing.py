"""What every chart is made of: elements with escaped text, and the frame with its name and description.

Colours and sizes stand in attributes, so that a mail or a PDF shows a chart without a stylesheet. The classes beside them
let the console's stylesheet follow the theme and enlarge the letters where a chart is shown small.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from calling_pipeline.charts.records import Caption, Look
from calling_pipeline.xml_text import xml_text

WIDTH = 640.0
"""Units of every chart; its letters are set for `FONT`, and for `LARGE_FONT` where the chart is shown at half its size."""
FONT = 12.0
LARGE_FONT = 22.0
COLOURS: Mapping[Look, str] = {"first": "#2f4bd0", "second": "#16693a", "third": "#b26a00", "mean": "#555d6e"}
TEXT_COLOUR = "#555d6e"
LINE_COLOUR = "#d5d9e2"
MARK_COLOUR = "#a3211c"
LARGEST = 1e15
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def element(name: str, content: Markup | None = None, /, **attributes: str | float | None) -> Markup:
    """An element; `class_` is written `class`, other underscores as hyphens, and an attribute that is None left out."""
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _written(value))
        for key, value in attributes.items()
        if value is not None
    )
    tag = Markup(name)
    if content is None:
        return Markup("<{0}{1}/>").format(tag, given)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, given, content)


def plain(text: str) -> Markup:
    """The text, escaped; what XML cannot hold is replaced."""
    return escape(xml_text(text))


def label(x: float, y: float, text: str, *, anchor: str = "middle", class_: str | None = None) -> Markup:
    """A text of a chart."""
    return element("text", plain(text), x=x, y=y, text_anchor=anchor, fill=TEXT_COLOUR, class_=class_)


def rule(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A line of an axis."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="axis", stroke=LINE_COLOUR, stroke_width=1)


def joined(parts: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("").join(parts)


def framed(kind: str, caption: Caption, height: float, content: Markup, *, width: float = WIDTH) -> Markup:
    """The whole picture. Raises `ValueError` for a name that cannot be an id."""
    if not _NAME.fullmatch(caption.name):
        raise ValueError(f"a chart cannot be called {caption.name!r}")
    named, described = f"{caption.name}-title", f"{caption.name}-desc"
    head = element("title", plain(caption.title), id=named) + element("desc", plain(caption.description), id=described)
    return element(
        "svg",
        head + content,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"chart {kind}",
        viewBox=f"0 0 {_written(width)} {_written(height)}",
        width=width,
        height=height,
        font_size=FONT,
        role="img",
        aria_labelledby=named,
        aria_describedby=described,
    )


def text_width(text: str, font: float) -> float:
    """About how wide a text is: letters of Chinese are as wide as high, others a little more than half."""
    return sum(font if ord(letter) > 0x2E7F else 0.6 * font for letter in text)


def checked(values: Sequence[float | None], count: int) -> Sequence[float | None]:
    """The values themselves; `ValueError` for NaN, an infinity, a number out of all reason, or a wrong count of them."""
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} labels")
    if any(value is not None and not (math.isfinite(value) and abs(value) <= LARGEST) for value in values):
        raise ValueError("a chart shows finite numbers up to 1e15")
    return values


def _written(value: str | float | None) -> str:
    if isinstance(value, str):
        return xml_text(value)
    return f"{float(value or 0):.1f}".removesuffix(".0")
