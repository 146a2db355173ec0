"""One contract on several lines, N set back by hand, and messages sent again by order."""

from calling_pipeline.database.migration_steps import run_sql

revision = "0021_contract_lines"
down_revision = "0020_telephony_limits"

PREVIOUS_VERSION_RUNS = True
REASON = "new columns have defaults, and the constraint that the version before names in its inserts keeps its name"


def upgrade() -> None:
    run_sql(revision, "columns")
    run_sql(revision, "known_contracts")


def downgrade() -> None:
    run_sql(revision, "columns_before")
