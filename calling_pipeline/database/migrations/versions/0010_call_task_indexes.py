"""The schema of version 0.1.0, which ten migrations made before its release and one makes now.

It bears the id of the newest of them: a database that they made goes on as it is.
"""

from calling_pipeline.database.migration_steps import run_sql

revision = "0010_call_task_indexes"
down_revision = None

PREVIOUS_VERSION_RUNS = False
REASON = "there is no version before the first schema"

FILES = (
    "database",
    "call_stats",
    "alerts",
    "task_ledger",
    "contact_policy",
    "call_batches",
    "notifications",
    "telephony",
    "append_only",
    "extension_statistics",
    "lend_extension",
    "save_task",
)


def upgrade() -> None:
    for name in FILES:
        run_sql(revision, name)
    run_sql(revision, "first_rows")


def downgrade() -> None:
    raise NotImplementedError("the first schema has no way back: dropping every table would lose what was done")
