"""What the API's own description says of a request's path: its template, whether it needs a caller, which query it takes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PARAMETER = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True)
class Operation:
    """One method of one path. `queries`: the names of its query parameters."""

    template: str
    needs_caller: bool
    queries: frozenset[str]
    pattern: re.Pattern[str] = field(repr=False)


class Operations:
    """The operations of an OpenAPI description, found by method and path."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._by_form: dict[tuple[str, int], list[Operation]] = defaultdict(list)
        for template, item in description["paths"].items():
            for method, said in item.items():
                if not isinstance(said, dict) or "responses" not in said:
                    continue
                given = [*item.get("parameters", ()), *said.get("parameters", ())]
                operation = Operation(
                    template,
                    needs_caller=bool(said.get("security")),
                    queries=frozenset(one["name"] for one in given if one["in"] == "query"),
                    pattern=re.compile("[^/]+".join(re.escape(part) for part in _PARAMETER.split(template))),
                )
                self._by_form[method.upper(), template.count("/")].append(operation)
        for found in self._by_form.values():
            found.sort(key=lambda one: "{" in one.template)

    def of(self, method: str, path: str) -> Operation | None:
        """The operation that a request is for; None for a path or method that is not described."""
        for operation in self._by_form.get((method, path.count("/")), ()):
            if operation.pattern.fullmatch(path):
                return operation
        return None
