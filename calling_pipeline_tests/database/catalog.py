"""What a database holds, as its catalogs say: to compare two databases with each other.

Partitions are left out: which there are depends on the days that were stored, and what each has follows from its table.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import sqlalchemy as sa

import calling_pipeline
from calling_pipeline.database.engine import driver_connection
from calling_pipeline.database.tables import metadata

Snapshot = dict[tuple[str, str], str]
"""(kind, name) → definition."""

PACKAGE = Path(calling_pipeline.__file__).parent

_OURS = "(CAST(ARRAY['public'::regnamespace, to_regnamespace('old_names')] AS oid[]))"
_KINDS = {
    "table": """
        SELECT c.oid::regclass::text, concat_ws(' ', c.relkind, c.relpersistence, c.reloptions)
        FROM pg_class AS c
        WHERE c.relnamespace = ANY (ours) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
    """,
    "partitioning": """
        SELECT partrelid::regclass::text, pg_get_partkeydef(partrelid) FROM pg_partitioned_table
    """,
    "column": """
        SELECT c.oid::regclass || '.' || a.attname,
            concat_ws(', ', row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
                a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attcollation::regcollation)
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = ANY (ours) AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
            AND NOT a.attisdropped AND NOT c.relispartition
    """,
    "constraint": """
        SELECT conrelid::regclass || '.' || conname, concat_ws(' ', pg_get_constraintdef(oid), convalidated)
        FROM pg_constraint WHERE connamespace = ANY (ours) AND contype <> 'n' AND conrelid <> 0
            AND conrelid NOT IN (SELECT oid FROM pg_class WHERE relispartition)
    """,
    "index": """
        SELECT indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
        FROM pg_index JOIN pg_class AS c ON c.oid = indrelid
        WHERE c.relnamespace = ANY (ours) AND NOT c.relispartition
    """,
    "function": """
        SELECT oid::regprocedure::text, pg_get_functiondef(oid)
        FROM pg_proc WHERE pronamespace = ANY (ours) AND prokind IN ('f', 'p')
    """,
    "view": """
        SELECT oid::regclass::text, pg_get_viewdef(oid)
        FROM pg_class WHERE relnamespace = ANY (ours) AND relkind IN ('v', 'm')
    """,
    "trigger": """
        SELECT tgrelid::regclass || '.' || tgname, concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
        FROM pg_trigger WHERE NOT tgisinternal
    """,
    "sequence": """
        SELECT seqrelid::regclass::text, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcycle)
        FROM pg_sequence
    """,
    "comment": """
        SELECT concat_ws('.', objoid::regclass, attname), description
        FROM pg_description LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0
        WHERE classoid = 'pg_class'::regclass AND objoid::regclass::text !~ '^(pg_|information_schema)'
    """,
}


def snapshot(connection: sa.Connection) -> Snapshot:
    """Everything of ours in the database, but for alembic's own table."""
    found: Snapshot = {}
    for kind, query in _KINDS.items():
        for name, definition in driver_connection(connection).execute(query.replace("(ours)", _OURS).encode()):
            if not str(name).startswith("alembic_version"):
                found[kind, str(name)] = str(definition)
    return found


def differences(first: Snapshot, second: Snapshot) -> list[str]:
    """What one has and the other has not, or has otherwise; in words."""
    return [
        f"{kind} {name}: {first.get((kind, name), 'is missing')!r} and {second.get((kind, name), 'is missing')!r}"
        for kind, name in sorted(first.keys() | second.keys())
        if first.get((kind, name)) != second.get((kind, name))
    ]


def create_declared(connection: sa.Connection) -> None:
    """Create what `tables.py` and the current `.sql` files of schemas, functions, views and triggers declare."""
    for module in pkgutil.walk_packages(calling_pipeline.__path__, "calling_pipeline."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    metadata.create_all(connection)
    for kind in ("schemas", "functions", "views", "triggers"):
        for file in sorted(PACKAGE.glob(f"**/sql/{kind}/*.sql")):
            driver_connection(connection).execute(file.read_bytes())
