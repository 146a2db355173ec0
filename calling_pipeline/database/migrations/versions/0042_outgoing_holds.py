"""Holds: while one stands, calls, messages and mails do not go out, whatever asks for them."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0042_outgoing_holds"
down_revision = "0041_call_origin"

PREVIOUS_VERSION_RUNS = True
REASON = "only a table is added; the version before would not heed a hold, so place none while it runs"


def upgrade() -> None:
    run_sql(revision, "holds")


def downgrade() -> None:
    run_statement("DROP TABLE outgoing_holds")
