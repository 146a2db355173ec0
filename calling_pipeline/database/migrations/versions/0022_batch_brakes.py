"""Refused numbers, one rate per gateway account, and batches that expire."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0022_batch_brakes"
down_revision = "0021_contract_lines"

PREVIOUS_VERSION_RUNS = True
REASON = "new tables and nullable columns; refusals that the version before records are not left out of later batches"


def upgrade() -> None:
    run_sql(revision, "batch_brakes")
    run_sql(revision, "known_refusals")


def downgrade() -> None:
    run_statement("DROP TABLE gateway_refusals, gateway_rates, gateway_shares")
    run_statement("ALTER TABLE call_batches DROP COLUMN expires_at")
    run_statement("ALTER TABLE calling_tasks DROP COLUMN refused_days, DROP COLUMN expires_after_s")
