"""Find code of the package that nothing in the package uses: `python -m calling_pipeline_tests.house.dead_code`.

Vulture does the work, configured in `pyproject.toml`. Two kinds of names are used as a whole, which it cannot see: the
annotated fields of records and schemas, and tables with their columns, which the metadata holds. What a template of a page
names is used. A name that only a test uses is dead.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import vulture

from calling_pipeline_tests.house.source import PACKAGE, ROOT

_LEAST_CONFIDENCE = 60


def dead_code(root: Path = ROOT) -> list[str]:
    """One line for each unused name: where it is and what it is."""
    settings = _settings()
    scan = vulture.Vulture(ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"])
    scan.scavenge([str(root / PACKAGE)], exclude=settings["exclude"])
    fields: dict[Path, set[int]] = {}
    in_templates = _names_in_templates(root)
    return [
        f"{item.filename.relative_to(root)}:{item.first_lineno}: unused {item.typ} {item.name!r}"
        for item in scan.get_unused_code(min_confidence=_LEAST_CONFIDENCE)
        if item.name not in in_templates
        and item.first_lineno not in fields.setdefault(item.filename, _field_lines(item.filename))
    ]


def _settings() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as opened:
        found: dict[str, Any] = tomllib.load(opened)["tool"]["vulture"]
    return found


def _names_in_templates(root: Path) -> set[str]:
    """Attributes of what templates are given: `name` of `thing.name`."""
    templates = (root / PACKAGE / "console" / "templates").rglob("*.html")
    return {name for path in templates for name in re.findall(r"\.([a-z]\w*)", path.read_text(encoding="utf-8"))}


def _field_lines(path: Path) -> set[int]:
    """The lines that declare a field of a class (`name: type`), a column or a table."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    fields = [
        line for node in nodes if isinstance(node, ast.ClassDef) for line in node.body if isinstance(line, ast.AnnAssign)
    ]
    tables = [node for node in nodes if isinstance(node, ast.Assign) and _is_call_of(node.value, {"Table", "Column"})]
    return {node.lineno for node in [*fields, *tables]}


def _is_call_of(value: ast.expr, names: set[str]) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in names


if __name__ == "__main__":
    found = dead_code()
    print("\n".join(found) if found else "No dead code.")
    sys.exit(bool(found))
