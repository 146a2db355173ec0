"""Large exports: who asked for what, how far it is, and until when its file may be fetched."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0038_exports"
down_revision = "0037_best_time"

PREVIOUS_VERSION_RUNS = True
REASON = "only a table is added, and the version before does not know of it"


def upgrade() -> None:
    run_sql(revision, "exports")


def downgrade() -> None:
    run_statement("DROP TABLE exports")
