"""An index of whose each task is, built while the ledger is in use."""

import sqlalchemy as sa
from alembic import op

from calling_pipeline.database.migration_steps import create_index_concurrently

revision = "0048_account_index"
down_revision = "0047_old_names"

PREVIOUS_VERSION_RUNS = True
REASON = "an index more, which the version before keeps without knowing of it"


def upgrade() -> None:
    create_index_concurrently("ix_task_ledger_account", "task_ledger", [sa.text("coalesce(account, created_by)")])


def downgrade() -> None:
    op.drop_index("ix_task_ledger_account", "task_ledger")
