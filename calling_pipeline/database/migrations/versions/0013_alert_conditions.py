"""Conditions of alerts know their kind, subject, day, text, since when they are open and how often that was said.

A check's condition belongs to one day, or to none when the check judges what has no day. What was kept for a range of days,
or for a day although the check has none, could never recover: it is removed, and is announced anew if it is still wrong.
"""

from calling_pipeline.database.migration_steps import run_sql

revision = "0013_alert_conditions"
down_revision = "0012_held_messages"

PREVIOUS_VERSION_RUNS = True
REASON = "new columns have defaults; what 0.2.0 keeps meanwhile has no text until it is judged again"


def upgrade() -> None:
    run_sql(revision, "columns")
    run_sql(revision, "known_conditions")


def downgrade() -> None:
    run_sql(revision, "columns_before")
