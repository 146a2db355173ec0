"""Reads the runbook of a kind of alert as it is written, for whoever shows it."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from calling_pipeline.errors import NotFound

_FOLDERS = {"en": "pages", "zh": "pages/zh"}
_KIND = re.compile(r"[a-z][a-z_]{0,60}")


@cache
def markdown_of(kind: str, language: str) -> str:
    """The runbook of `kind` in `zh` or `en`, as Markdown. Raises `NotFound`."""
    page = files(__package__).joinpath(_FOLDERS[language]).joinpath(f"{kind}.md")
    if not _KIND.fullmatch(kind) or not page.is_file():
        raise NotFound(f"there is no runbook of {kind[:60]!r}; the page /runbooks lists those there are")
    return page.read_text(encoding="utf-8")
