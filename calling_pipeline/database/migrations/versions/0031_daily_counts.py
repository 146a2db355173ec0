"""Counts of each day by agent, hour, province and dialling task that no retention deletes."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0031_daily_counts"
down_revision = "0030_redials"

PREVIOUS_VERSION_RUNS = True
REASON = "only tables are added; days that the version before publishes are counted by the next night's housekeeping"


def upgrade() -> None:
    run_sql(revision, "daily_counts")


def downgrade() -> None:
    run_statement("DROP TABLE counted_days, daily_agents, daily_hours, daily_provinces, daily_province_hours, daily_tasks")
