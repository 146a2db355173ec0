"""Telephony's acts in the one audit log, and ends of do-not-call entries instead of deletions."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0019_one_audit_log"
down_revision = "0018_people"

PREVIOUS_VERSION_RUNS = False
REASON = "the version before writes telephony_audit: end its processes before the migration"


def upgrade() -> None:
    run_sql(revision, "do_not_call")
    run_sql(revision, "telephony_acts")
    run_statement("DROP TABLE telephony_audit")


def downgrade() -> None:
    run_sql(revision, "telephony_audit")
    run_statement("DROP TRIGGER do_not_call_kept ON do_not_call")
    run_statement("DROP TRIGGER do_not_call_never_emptied ON do_not_call")
    run_statement("DROP FUNCTION keep_do_not_call()")
    run_statement("DROP TABLE do_not_call_history")
    run_statement("ALTER TABLE do_not_call DROP COLUMN ended_by, DROP COLUMN ended_why")
