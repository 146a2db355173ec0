"""The calls of each agent in each month, kept the sum of the days by triggers, and filled from the days there are."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0051_monthly_agents"
down_revision = "0050_persons"

PREVIOUS_VERSION_RUNS = True
REASON = "a table and triggers are added; days that the version before counts are added up too"


def upgrade() -> None:
    run_sql(revision, "monthly_agents")


def downgrade() -> None:
    run_statement("DROP TRIGGER daily_agents_summed_added ON daily_agents")
    run_statement("DROP TRIGGER daily_agents_summed_changed ON daily_agents")
    run_statement("DROP TRIGGER daily_agents_summed_gone ON daily_agents")
    run_statement("DROP TRIGGER daily_agents_summed_emptied ON daily_agents")
    run_statement("DROP FUNCTION sum_agent_months")
    run_statement("DROP TABLE monthly_agents")
