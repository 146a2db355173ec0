"""Plainer words for when an alert about a held message was raised."""

from calling_pipeline.database.migration_steps import comment_on

revision = "0012_held_messages"
down_revision = "0011_allocate_extension"

PREVIOUS_VERSION_RUNS = True
REASON = "only the comments of two columns change"

COLUMNS = ("contract_messages.alerted_at", "technician_messages.alerted_at")


def upgrade() -> None:
    for column in COLUMNS:
        comment_on(f"COLUMN {column}", "when an alert said that it is held")


def downgrade() -> None:
    for column in COLUMNS:
        comment_on(f"COLUMN {column}", "when people were told that it is held")
