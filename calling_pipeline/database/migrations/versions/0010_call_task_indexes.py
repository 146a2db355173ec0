"""Call tasks: an index for the few that are being pushed or in doubt, a summary index for the rows of a batch.

They replace one index entry for every source row, skipped ones included.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_call_task_indexes"
down_revision = "0009_save_task"


def upgrade() -> None:
    op.drop_index("ix_call_tasks_batch_state", "call_tasks")
    op.create_index(
        "ix_call_tasks_in_flight",
        "call_tasks",
        ["batch_id", "state"],
        postgresql_where=sa.text("state IN ('pushing', 'unknown')"),
    )
    op.create_index(
        "ix_call_tasks_batch", "call_tasks", ["batch_id"], postgresql_using="brin", postgresql_with={"autosummarize": "on"}
    )
