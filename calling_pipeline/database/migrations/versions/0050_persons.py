"""Erasure of people: their tokens, the key of these, certificates, and the one exception of append-only tables."""

from calling_pipeline.database.migration_steps import run_sql

revision = "0050_persons"
down_revision = "0049_archived_batches"

PREVIOUS_VERSION_RUNS = True
REASON = (
    "only tables and an exception are added; the version before does not know who was erased, so erase nobody while it runs"
)


def upgrade() -> None:
    run_sql(revision, "persons")


def downgrade() -> None:
    run_sql(revision, "without_persons")
