"""The publishing gate: days that are held with their records, failed reads, and what a proof says about its warnings."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0014_publishing_gate"
down_revision = "0013_alert_conditions"

PREVIOUS_VERSION_RUNS = True
REASON = "tables and columns are added; the version before knows none of them and writes their defaults"


def upgrade() -> None:
    run_sql(revision, "held_days")


def downgrade() -> None:
    for column in ("dialled", "connected", "full_read_at", "warnings"):
        run_statement(f"ALTER TABLE fetch_proofs DROP COLUMN {column}")
    for table in ("failed_reads", "held_call_records", "held_days"):
        run_statement(f"DROP TABLE {table}")
