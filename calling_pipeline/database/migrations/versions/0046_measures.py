"""What /metrics counts over all processes, what is open now by indexes, and the trace a call belongs to."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0046_measures"
down_revision = "0045_day_partitions"

PREVIOUS_VERSION_RUNS = True
REASON = "tables, indexes of small tables and a column without a default are added; the version before does not know of them"


def upgrade() -> None:
    run_sql(revision, "measures")


def downgrade() -> None:
    run_statement("ALTER TABLE communication_records DROP COLUMN trace")
    run_statement("DROP INDEX ix_alert_conditions_failing, ix_call_batches_open")
    run_statement("DROP TABLE measures, measure_marks")
