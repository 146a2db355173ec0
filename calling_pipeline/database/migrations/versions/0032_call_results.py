"""What became of each pushed call: its result, the sums per batch, and the view by the source's own key."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0032_call_results"
down_revision = "0031_daily_counts"

PREVIOUS_VERSION_RUNS = True
REASON = "only tables and a view are added; nothing that the version before reads or writes changes"


def upgrade() -> None:
    run_sql(revision, "call_results")


def downgrade() -> None:
    run_statement("DROP VIEW call_results_by_row")
    run_statement("DROP TABLE call_results, call_result_batches, call_result_days")
