"""A history of daily numbers that no retention deletes, begun with what the caches hold."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0016_daily_history"
down_revision = "0015_asset_activity"

PREVIOUS_VERSION_RUNS = True
REASON = "only a table is added; days that the version before publishes enter the history when they are synced again"


def upgrade() -> None:
    run_sql(revision, "daily_history")
    run_sql(revision, "first_days")


def downgrade() -> None:
    run_statement("DROP TABLE daily_history")
