"""Contract and technician notifications."""

revision = "0006_notifications"
down_revision = "0005_call_batches"


def upgrade() -> None:
    pass
