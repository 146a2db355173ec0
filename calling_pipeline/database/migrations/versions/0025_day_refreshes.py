"""Refreshes of single days are kept, and each fetch proof with the numbers that were published of it."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0025_day_refreshes"
down_revision = "0024_desk"

PREVIOUS_VERSION_RUNS = True
REASON = "a new table and a nullable column; reads and refreshes of the version before are kept without their numbers"


def upgrade() -> None:
    run_sql(revision, "day_refreshes")


def downgrade() -> None:
    run_statement("DROP TABLE day_refreshes")
    run_statement("ALTER TABLE fetch_proofs DROP COLUMN numbers")
