"""Alerts and their deliveries."""

revision = "0002_alerts"
down_revision = "0001_call_stats"


def upgrade() -> None:
    pass
