"""People, their tokens, sessions and login links."""

from calling_pipeline.database.migration_steps import run_sql, run_statement

revision = "0018_people"
down_revision = "0017_audit_log"

PREVIOUS_VERSION_RUNS = True
REASON = "new tables, which the version before does not use"


def upgrade() -> None:
    run_sql(revision, "people")


def downgrade() -> None:
    run_statement("DROP TABLE login_attempts, login_links, access_sessions, access_tokens, people")
