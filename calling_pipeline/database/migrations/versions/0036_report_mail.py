"""Reports by mail: subscriptions and deliveries."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0036_report_mail"
down_revision = "0034_line_counts"

PREVIOUS_VERSION_RUNS = True
REASON = "only tables are added, and the version before does not know of them"


def upgrade() -> None:
    run_sql(revision, "mail")


def downgrade() -> None:
    run_statement("DROP TABLE report_deliveries, report_subscriptions")
