"""What a GraphQL request asks for: which operations it holds, and what the changes among them are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    value_from_ast_untyped,
)

HARMLESS = frozenset({"logTelemetry", "setNuxSeen"})
"""Changes of nothing but what the page keeps about itself."""
_DEEPEST_FRAGMENTS = 20


@dataclass(frozen=True)
class Change:
    """One field of a mutation: Dagster's name of it, and its arguments as JSON values."""

    field: str
    arguments: Mapping[str, Any]


def may_change(query: str) -> bool:
    """False when the text certainly holds queries only: another operation begins with its keyword.

    It spares parsing what pages ask again and again.
    """
    return "mutation" in query or "subscription" in query


def only_reads(query: str) -> bool:
    """Whether every operation of the document is a query. Raises `GraphQLError` for what is no document."""
    if not may_change(query):
        return True
    operations = [node for node in parse(query).definitions if isinstance(node, OperationDefinitionNode)]
    return all(node.operation is OperationType.QUERY for node in operations)


def holds_a_mutation(query: str) -> bool:
    """Whether any operation of the document changes something; so does what cannot be read."""
    if "mutation" not in query:
        return False
    try:
        operations = [node for node in parse(query).definitions if isinstance(node, OperationDefinitionNode)]
    except (GraphQLError, RecursionError):
        return True
    return any(node.operation is OperationType.MUTATION for node in operations)


def changes(query: str, variables: Mapping[str, Any] | None, operation_name: str | None) -> Sequence[Change]:
    """What the operation that would be executed changes; empty for one that reads.

    Raises `GraphQLError` for what is no document, and when it does not say which of several operations is meant.
    """
    if not may_change(query):
        return []
    document = parse(query)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name:
        operations = [node for node in operations if node.name and node.name.value == operation_name]
    if len(operations) != 1:
        raise GraphQLError("the request must say which of its operations is meant")
    if operations[0].operation is not OperationType.MUTATION:
        return []
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    given = _with_defaults(operations[0], variables or {})
    return [_change(field, given) for field in _fields(operations[0].selection_set, fragments, _DEEPEST_FRAGMENTS)]


def _with_defaults(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {
        one.variable.name.value: value_from_ast_untyped(one.default_value)
        for one in operation.variable_definitions
        if one.default_value is not None
    }
    return {**defaults, **variables}


def _change(field: FieldNode, variables: dict[str, Any]) -> Change:
    arguments = {one.name.value: value_from_ast_untyped(one.value, variables) for one in field.arguments}
    return Change(field.name.value, arguments)


def _fields(selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], depth: int) -> Iterator[FieldNode]:
    if depth == 0:
        raise GraphQLError("its fragments are nested too deeply")
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments, depth - 1)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            yield from _fields(fragments[node.name.value].selection_set, fragments, depth - 1)
