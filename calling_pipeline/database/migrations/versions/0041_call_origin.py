"""Call history that was made elsewhere: its origin, its calls, and the business columns of the newest call."""

from calling_pipeline.database.migration_steps import run_sql

revision = "0041_call_origin"
down_revision = "0040_takeover"

PREVIOUS_VERSION_RUNS = True
REASON = "columns with defaults; numbers are imported by the new program only, and the version before does not call them"


def upgrade() -> None:
    run_sql(revision, "call_origin")


def downgrade() -> None:
    run_sql(revision, "without_origin")
