"""Takeovers of old systems and their progress, and batches that are planned in shadow mode and never pushed."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0040_takeover"
down_revision = "0038_exports"

PREVIOUS_VERSION_RUNS = True
REASON = "tables of its own, and a column with a default that the version before neither reads nor writes"


def upgrade() -> None:
    run_sql(revision, "takeover")


def downgrade() -> None:
    run_statement("ALTER TABLE call_batches DROP CONSTRAINT ck_call_batches_shadow_is_never_pushed, DROP COLUMN shadow")
    run_statement("DROP TABLE takeover_parts, takeovers")
