"""One audit log for the acts of people in all rooms."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0017_audit_log"
down_revision = "0016_daily_history"

PREVIOUS_VERSION_RUNS = True
REASON = "a new table, which the version before does not use"


def upgrade() -> None:
    run_sql(revision, "audit_log")


def downgrade() -> None:
    run_statement("DROP TABLE audit_log")
