"""Calling tasks, batches, call tasks, log and history."""

revision = "0005_call_batches"
down_revision = "0004_contact_policy"


def upgrade() -> None:
    pass
