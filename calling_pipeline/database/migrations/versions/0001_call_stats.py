"""The stats caches, call records and fetch proofs."""

revision = "0001_call_stats"
down_revision = None


def upgrade() -> None:
    pass
