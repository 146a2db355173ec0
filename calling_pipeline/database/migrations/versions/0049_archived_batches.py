"""Which batches' left-out rows are in month files."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0049_archived_batches"
down_revision = "0048_account_index"

PREVIOUS_VERSION_RUNS = True
REASON = "a table is added, and it stays empty until the setting of the archives is given"


def upgrade() -> None:
    run_sql(revision, "archived_batches")


def downgrade() -> None:
    run_statement("DROP TABLE archived_batches")
