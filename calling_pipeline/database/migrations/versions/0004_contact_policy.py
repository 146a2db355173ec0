"""The do-not-call list and contact attempts."""

revision = "0004_contact_policy"
down_revision = "0003_task_ledger"


def upgrade() -> None:
    pass
