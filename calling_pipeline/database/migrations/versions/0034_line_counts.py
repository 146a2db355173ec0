"""Counted days of the lines, samples of calls for review, and clicks again after a refusal."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0034_line_counts"
down_revision = "0033_reports"

PREVIOUS_VERSION_RUNS = True
REASON = (
    "tables, a trigger and a column with a default are added; what the version before changes is taken out of the counts"
)


def upgrade() -> None:
    run_sql(revision, "tables")
    run_sql(revision, "taking_out")


def downgrade() -> None:
    run_statement("DROP TRIGGER communication_records_counted ON communication_records")
    run_statement("DROP TRIGGER communication_records_counted_gone ON communication_records")
    run_statement("DROP FUNCTION take_out_line_day")
    run_statement("DROP TABLE counted_line_days, line_days, line_hours, line_delays")
    run_statement("DROP TABLE quality_sample_calls, quality_samples")
    run_statement("ALTER TABLE call_refusals DROP COLUMN again")
