"""What migrations are made of: frozen SQL files, comments, and indexes that are built while the tables are in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op
from psycopg import sql

from calling_pipeline.database.engine import driver_connection

CONCURRENT_BUILD_LIMIT_S = 3600
"""The statement time-out while an index is built concurrently: it blocks nobody, so it may take longer than the others."""
_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_IS_VALID = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def run_sql(revision: str, name: str) -> None:
    """Run `migrations/versions/REVISION/NAME.sql`, a copy that never changes, as it stands."""
    run_statement((_VERSIONS / revision / f"{name}.sql").read_text(encoding="utf-8"))


def run_statement(statement: str) -> None:
    """Run SQL as it stands: no parameters, `%` and `:` mean themselves."""
    driver_connection(op.get_bind()).execute(statement.encode())


def comment_on(subject: str, text: str) -> None:
    """Describe a table or column: `comment_on("TABLE call_log", "…")`."""
    run_statement(f"COMMENT ON {subject} IS {sql.Literal(text).as_string()}")


def create_index_concurrently(name: str, table: str, columns: Sequence[str | sa.TextClause], **options: Any) -> None:
    """Build an index while others read and write the table. Such an index is alone in its migration.

    It runs outside a transaction: what the migration did before is committed, and a failure leaves an index behind that is
    not valid. The same migration run again drops that one and builds anew; an index that is complete is left as it is.
    `options` are those of alembic's `create_index`. The lock time-out of migrations holds here too: a transaction that
    stays open longer than it makes the build fail.
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        before = connection.exec_driver_sql("SHOW statement_timeout").scalar_one()
        connection.exec_driver_sql(f"SET statement_timeout = '{CONCURRENT_BUILD_LIMIT_S}s'")
        try:
            valid = connection.execute(_IS_VALID, {"name": name}).scalar_one_or_none()
            if valid is False:
                op.drop_index(name, table, postgresql_concurrently=True)
            if not valid:
                op.create_index(name, table, list(columns), postgresql_concurrently=True, **options)
        finally:
            connection.exec_driver_sql(f"SET statement_timeout = '{before}'")
