"""Callbacks without a signature or that cannot be read, limits of calls, questions about lines, counts of refusals."""

from calling_pipeline.database.migration_steps import run_sql

revision = "0020_telephony_limits"
down_revision = "0019_one_audit_log"

PREVIOUS_VERSION_RUNS = True
REASON = (
    "only tables and empty columns are added, in milliseconds; contact_attempts gets a wider column for the tenant beside"
    " the old one, because a change of its type would rewrite this ever growing table under an exclusive lock"
)


def upgrade() -> None:
    run_sql(revision, "upgrade")


def downgrade() -> None:
    run_sql(revision, "downgrade")
