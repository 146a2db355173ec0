"""Tenants, extensions, collectors and communication records."""

revision = "0007_telephony"
down_revision = "0006_notifications"


def upgrade() -> None:
    pass
