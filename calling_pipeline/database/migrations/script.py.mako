"""${message}."""

from calling_pipeline.database.migration_steps import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

PREVIOUS_VERSION_RUNS = False
REASON = "say what the version before does on the new schema, or why it must be ended first"


def upgrade() -> None:
    run_sql(revision, "…")


def downgrade() -> None:
    raise NotImplementedError
