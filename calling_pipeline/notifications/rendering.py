"""Rendering the Jinja templates of this package's `templates/` folder."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from calling_pipeline.notifications.outbox.records import LONGEST_BODY_BYTES

if TYPE_CHECKING:
    from jinja2 import Template


def render(name: str, **values: Any) -> tuple[str, int]:
    """The text of template `name`, at most `LONGEST_BODY_BYTES` long, and how many bytes were cut off to get there."""
    return fit(_template(name).render(**values).strip(), LONGEST_BODY_BYTES)


def fit(text: str, limit: int, *, mark: str = "…（内容过长，已截断）") -> tuple[str, int]:
    """`text` within `limit` bytes of UTF-8, cut between characters and marked; and how many bytes were cut off."""
    raw = text.encode()
    if len(raw) <= limit:
        return text, 0
    kept = raw[: limit - len(mark.encode())].decode(errors="ignore")
    return kept + mark, len(raw) - len(kept.encode())


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 40 ms of every run that Dagster starts

    environment = Environment(
        loader=PackageLoader("calling_pipeline.notifications"), undefined=StrictUndefined, autoescape=False, trim_blocks=True
    )
    return environment.get_template(name)
