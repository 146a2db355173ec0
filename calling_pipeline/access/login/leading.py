"""Where a login may lead: to pages of this server only, wherever the request wanted to."""

from __future__ import annotations


def own_path(where: str, prefix: str = "") -> str:
    """The path if it is one of this server below `prefix`, else the first page there. The login leads not to itself."""
    plain = where.startswith("/") and not where.startswith("//") and "\\" not in where and where.isprintable()
    return where if plain and where.isascii() and not where.startswith(f"{prefix}/login") else f"{prefix}/"
