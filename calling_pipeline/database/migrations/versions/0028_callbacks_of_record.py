"""An index by which the callbacks of one call are found."""

from alembic import op

from calling_pipeline.database.migration_steps import create_index_concurrently

revision = "0028_callbacks_of_record"
down_revision = "0027_messages_by_time"

PREVIOUS_VERSION_RUNS = True
REASON = "it is only an index, built while the table is in use"


def upgrade() -> None:
    create_index_concurrently("ix_call_callbacks_record", "call_callbacks", ["record_id"])


def downgrade() -> None:
    op.drop_index("ix_call_callbacks_record", "call_callbacks")
