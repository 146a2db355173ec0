"""Messages are looked through by time: all, those of a state, and those to one receiver; ledgers' rows by what they say."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0027_messages_by_time"
down_revision = "0026_number_lookup"

PREVIOUS_VERSION_RUNS = True
REASON = "new indexes only; writing a message takes a little longer"

_INDEXES = [
    f"ix_{table}_{name}" for table in ("contract_messages", "technician_messages") for name in ("made", "state", "receiver")
]
_INDEXES += [f"ix_contract_rows_{name}" for name in ("contract", "set_back", "waiting")]


def upgrade() -> None:
    run_sql(revision, "indexes")


def downgrade() -> None:
    run_statement(f"DROP INDEX {', '.join(_INDEXES)}")
