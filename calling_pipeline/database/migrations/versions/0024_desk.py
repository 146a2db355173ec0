"""Cases of collectors, their desks, recordings of calls and quality notes."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0024_desk"
down_revision = "0023_list_indexes"

PREVIOUS_VERSION_RUNS = True
REASON = "new tables, and a column with a default; recordings of calls that the version before makes are fetched later"


def upgrade() -> None:
    run_sql(revision, "desk")


def downgrade() -> None:
    run_statement("ALTER TABLE communication_records DROP COLUMN recording_queued")
    run_statement("DROP TABLE call_notes, call_recordings, desk_calls, collector_desks, collector_cases")
