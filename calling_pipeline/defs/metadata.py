"""What the assets of all rooms share: their owners, and a table's columns as the UI shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import sqlalchemy as sa

OWNERS = ["team:calling-operations"]


def column_schema(table: sa.Table, descriptions: Mapping[str, str] | None = None) -> dg.TableSchema:
    """The columns of `table`; a column's text comes from `descriptions`, else from its comment in the database."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=str(column.type.compile()).lower(),
                description=(descriptions or {}).get(column.name) or column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable), unique=_alone_in_key(column)),
            )
            for column in table.columns
        ]
    )


def _alone_in_key(column: sa.Column[Any]) -> bool:
    return bool(column.primary_key) and len(column.table.primary_key.columns) == 1
