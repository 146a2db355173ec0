"""What is wrong with settings, in sentences that name the setting and never its value."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError


def sentences(error: ValidationError, prefix: str) -> list[str]:
    """One for each setting that is wrong; `prefix` is what names in the environment begin with."""
    own = (item for item in error.errors() if item["type"] != "default_factory_not_called")  # which waits for another
    return [_sentence(dict(item), prefix) for item in own]


def _sentence(item: dict[str, Any], prefix: str) -> str:
    names = [str(part) for part in item["loc"]] or ["settings"]
    inner = f" (at entry {len(names) - 1} level deep)" if len(names) > 1 else ""
    reason = str(item["msg"]).removeprefix("Value error, ")
    return f"{prefix}{names[0].upper()}{inner}: {reason}; see the settings table in README.md"
