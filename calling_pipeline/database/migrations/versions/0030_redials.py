"""Redial rules and land lines of a calling task, the source's own key of a row, and which call a redial follows."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0030_redials"
down_revision = "0028_callbacks_of_record"

PREVIOUS_VERSION_RUNS = True
REASON = "nullable columns and columns with a default; the version before plans no redial, and claims none that was planned"


def upgrade() -> None:
    run_sql(revision, "redials")


def downgrade() -> None:
    run_statement("ALTER TABLE call_tasks DROP COLUMN row_key, DROP COLUMN redial, DROP COLUMN redial_of")
    run_statement("ALTER TABLE call_batches DROP COLUMN redial")
    run_statement("ALTER TABLE calling_tasks DROP COLUMN redial, DROP COLUMN land_lines, DROP COLUMN row_key")
