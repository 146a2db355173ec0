"""The ledger of reports: facts, control totals and digests, one row a revision."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0033_reports"
down_revision = "0032_call_results"

PREVIOUS_VERSION_RUNS = True
REASON = "only tables are added, and the version before does not know of them"


def upgrade() -> None:
    run_sql(revision, "reports")


def downgrade() -> None:
    run_statement("DROP TABLE report_files, reports")
