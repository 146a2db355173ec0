"""The task ledger, its charges and refusals."""

revision = "0003_task_ledger"
down_revision = "0002_alerts"


def upgrade() -> None:
    pass
