"""A table of work on assets outside Dagster's runs, until a sensor has reported it."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0015_asset_activity"
down_revision = "0014_publishing_gate"

PREVIOUS_VERSION_RUNS = True
REASON = "a new table, which the version before does not use"


def upgrade() -> None:
    run_sql(revision, "asset_activity")


def downgrade() -> None:
    run_statement("DROP TABLE asset_activity")
