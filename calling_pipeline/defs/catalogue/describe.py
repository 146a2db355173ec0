"""Completes what the rooms declare of their assets: owners, tags, columns, freshness, and edges across rooms."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import sqlalchemy as sa

from calling_pipeline.database.tables import metadata
from calling_pipeline.defs.catalogue.columns import COLUMNS, PERSONAL
from calling_pipeline.defs.catalogue.freshness import policies
from calling_pipeline.defs.catalogue.lineage import LEDGER_FILES, OUTSIDE, READS, ledger_file_key
from calling_pipeline.defs.naming import asset_key, plain
from calling_pipeline.settings import Settings

OPERATIONS = "team:calling-operations"
OWNERS: Mapping[str, str] = {
    "call_stats": "team:call-statistics",
    "call_batches": "team:outbound-calling",
    "contact_policy": "team:compliance",
    "notifications": "team:customer-notifications",
    "reports": "team:call-statistics",
    "task_ledger": "team:task-ledger",
    "telephony": "team:telephony",
    OUTSIDE: "team:integrations",
}
"""The team that answers for a room, beside operations."""
TIERS: Mapping[str, str] = {
    "call_stats": "1",
    "call_batches": "1",
    "contact_policy": "1",
    "notifications": "2",
    "reports": "2",
    "task_ledger": "2",
    "telephony": "1",
    OUTSIDE: "1",
}
"""1: a fault stops calls, or shows wrong numbers to people who act on them. 2: work is late, nothing is lost."""
_ALREADY_MASKED = frozenset({"masked", "hash"})


def described(settings: Settings) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    """The function that completes one asset's spec."""
    fresh, files = policies(settings), sorted({ledger_file_key(path) for path in settings.contract_ledgers})

    def complete(spec: dg.AssetSpec) -> dg.AssetSpec:
        name, group = plain(spec.key), spec.group_name or ""
        table = metadata.tables.get(str(spec.metadata.get("dagster/table_name", "")))
        merged = spec.merge_attributes(
            deps=(*map(asset_key, READS.get(name, ())), *(files if name == LEDGER_FILES else ())),
            tags={"domain": group, "tier": TIERS[group], **_personal(table)},
            metadata={} if table is None else {"dagster/column_schema": column_schema(table)},
        )
        policy = fresh.get(name, spec.freshness_policy)
        return merged.replace_attributes(owners=[OWNERS[group], OPERATIONS], freshness_policy=policy)

    return complete


def column_schema(table: sa.Table) -> dg.TableSchema:
    """The columns of `table`: the catalogue's text, else the comment in the database; personal data are tagged."""
    texts, personal = COLUMNS.get(table.name, {}), PERSONAL.get(table.name, {})
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=str(column.type.compile()).lower(),
                description=texts.get(column.name) or column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable), unique=_alone_in_key(column)),
                tags={"personal_data": personal[column.name]} if column.name in personal else {},
            )
            for column in table.columns
        ]
    )


def _personal(table: sa.Table | None) -> dict[str, str]:
    """The asset's tag: `full` when any column holds more than masked numbers and keyed hashes."""
    kinds = set(PERSONAL.get(table.name, {}).values()) if table is not None else set()
    if not kinds:
        return {}
    return {"personal_data": "masked" if kinds <= _ALREADY_MASKED else "full"}


def _alone_in_key(column: sa.Column[Any]) -> bool:
    return bool(column.primary_key) and len(column.table.primary_key.columns) == 1
