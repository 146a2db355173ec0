"""Read a source tree as the house tests and the measures see it: files, functions, imports and SQL strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "calling_pipeline"

# What begins a statement, or a part of one that is long enough to be a statement of its own.
_STATEMENT = re.compile(
    r"\s*(--[^\n]*\n\s*)*"
    r"(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH( RECURSIVE)? \w+ ?(\([^)]*\) )?AS|MERGE INTO|VALUES|COPY|LOCK TABLE"
    r"|CREATE|ALTER|DROP|TRUNCATE|SET LOCAL|SET|DO|CALL|EXPLAIN|COMMENT ON|ANALYZE|VACUUM|GRANT|REVOKE|NOTIFY|LISTEN)\b[\s*]"
)
_CLAUSE = re.compile(
    r"\b(SELECT|FROM|WHERE|AND|SET|CASE|WHEN|CAST|JOIN|RETURNING|ON CONFLICT|GROUP BY|ORDER BY|UNION ALL|VALUES|LATERAL)\b"
)
_ENOUGH_CLAUSES = 2
_FUNCTION_HEAD = re.compile(r"^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\s+([\w.]+)", re.MULTILINE | re.IGNORECASE)
_DOLLAR_TAG = re.compile(r"\$\w*\$")

# Calls whose only purpose is to build or load a statement, by the module they come from.
_BUILDERS = {
    "sqlalchemy": {"text", "select", "insert", "update", "delete", "union_all", "exists"},
    "psycopg.sql": {"SQL"},
    "calling_pipeline.database.sql": {"load", "load_driver", "statement_of", "text_of"},
    "calling_pipeline.database.prepared": {"Prepared"},
}


@dataclass(frozen=True)
class Function:
    """A function of a Python or SQL file; `lines` counts from its first to its last line, decorators left out."""

    name: str
    line: int
    lines: int


@dataclass(frozen=True)
class SqlString:
    """A string of a Python file that is SQL; `lines` as a reader sees them."""

    line: int
    lines: int
    text: str


@dataclass(frozen=True)
class Source:
    """One file, parsed on demand."""

    path: Path
    name: str  # relative to the repository, with slashes

    @property
    def is_frozen(self) -> bool:
        """Whether it is what a merged migration ran, which never changes."""
        return "/database/migrations/versions/" in self.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def functions(self) -> list[Function]:
        if self.path.suffix == ".sql":
            return list(_sql_functions(self.text))
        return [
            Function(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    @cached_property
    def docstrings(self) -> dict[int, ast.Constant]:
        """The strings that stand for themselves (docstrings, also those of constants) by the `id` of their node."""
        return {
            id(node.value): node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }

    @cached_property
    def sql_strings(self) -> list[SqlString]:
        return [found for node in self._strings() if (found := _as_sql(node))]

    @cached_property
    def sql_lines(self) -> list[int]:
        """The lines on which this file builds, loads or writes out SQL."""
        builders = self._builder_names()
        calls = [
            node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.Call) and _dotted(node.func) in builders
        ]
        return sorted({*calls, *(string.line for string in self.sql_strings)})

    @cached_property
    def inner_imports(self) -> list[int]:
        """The lines of imports that stand inside a function."""
        inner = {
            child.lineno
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in ast.walk(node)
            if isinstance(child, ast.Import | ast.ImportFrom)
        }
        return sorted(inner)

    @cached_property
    def import_lines(self) -> set[int]:
        """The lines of all imports."""
        return {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }

    def _strings(self) -> Iterator[ast.expr]:
        inside_f_strings = {
            id(part)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.JoinedStr)
            for part in ast.walk(node)
            if part is not node
        }
        for node in ast.walk(self.tree):
            is_text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
            if is_text and id(node) not in inside_f_strings and id(node) not in self.docstrings:
                yield node  # type: ignore[misc]  # the two classes tested above are expressions

    def _builder_names(self) -> set[str]:
        """The dotted names under which this file knows the calls of `_BUILDERS`."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names |= {f"{alias.asname or alias.name}.{call}" for call in _BUILDERS.get(alias.name, ())}
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    known = alias.asname or alias.name
                    if alias.name in _BUILDERS.get(node.module or "", ()):
                        names.add(known)
                    names |= {f"{known}.{call}" for call in _BUILDERS.get(f"{node.module}.{alias.name}", ())}
        return names


@cache
def sources(root: Path = ROOT, folder: str = PACKAGE, suffixes: tuple[str, ...] = (".py", ".sql")) -> list[Source]:
    """The files of `folder` with one of `suffixes`, in order of their names."""
    return [
        Source(path, path.relative_to(root).as_posix())
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts
    ]


def _as_sql(node: ast.expr) -> SqlString | None:
    text = node.value if isinstance(node, ast.Constant) else _f_string(node)
    if not isinstance(text, str):
        return None
    lines = len(text.strip().splitlines()) if "\n" in text.strip() else (node.end_lineno or node.lineno) - node.lineno + 1
    is_long_part = lines > 1 and len(_CLAUSE.findall(text)) >= _ENOUGH_CLAUSES
    return SqlString(node.lineno, lines, text) if _STATEMENT.match(text) or is_long_part else None


def _f_string(node: ast.expr) -> str:
    assert isinstance(node, ast.JoinedStr)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)


def _sql_functions(text: str) -> Iterator[Function]:
    """From `CREATE FUNCTION` to the semicolon after its body, which stands between two equal dollar tags."""
    for head in _FUNCTION_HEAD.finditer(text):
        tag = _DOLLAR_TAG.search(text, head.end())
        end = text.index(";", text.index(tag.group(), tag.end())) if tag else text.index(";", head.end())
        yield Function(head.group(1), text.count("\n", 0, head.start()) + 1, text.count("\n", head.start(), end) + 1)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
