"""Best time to call: what a calling task wants, each call's hour, what is known of hours, and its looks."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0037_best_time"
down_revision = "0036_report_mail"

PREVIOUS_VERSION_RUNS = True
REASON = "nullable columns and tables of its own; the version before keeps to an hour that was planned, as to any delay"


def upgrade() -> None:
    run_sql(revision, "best_time")


def downgrade() -> None:
    run_statement("DROP TABLE best_time_rates, best_time_states, best_time_looks, best_time_batches, number_segments")
    run_statement("ALTER TABLE call_tasks DROP COLUMN arm, DROP COLUMN slot")
    run_statement("ALTER TABLE call_batches DROP COLUMN best_time")
    run_statement("ALTER TABLE calling_tasks DROP COLUMN best_time")
