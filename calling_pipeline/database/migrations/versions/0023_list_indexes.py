"""The do-not-call list in the order it is read, and the acts of the audit log that have a reason."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0023_list_indexes"
down_revision = "0022_batch_brakes"

PREVIOUS_VERSION_RUNS = True
REASON = "two indexes, each built within seconds; writers of both tables wait meanwhile"


def upgrade() -> None:
    run_sql(revision, "indexes")


def downgrade() -> None:
    run_statement("DROP INDEX ix_do_not_call_added_at")
    run_statement("DROP INDEX ix_audit_log_reason")
