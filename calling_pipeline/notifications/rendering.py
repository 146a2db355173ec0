"""Rendering the Jinja templates of this package's `templates/` folder."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from calling_pipeline.vendors.wecom import TEXT_BYTES, fit


def render(name: str, **values: Any) -> tuple[str, int]:
    """The text of template `name`, within WeCom's limit of bytes, and how many bytes were cut off to get there."""
    return fit(_template(name).render(**values).strip(), TEXT_BYTES)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("calling_pipeline.notifications"), undefined=StrictUndefined, autoescape=False, trim_blocks=True
    )
    return environment.get_template(name)
