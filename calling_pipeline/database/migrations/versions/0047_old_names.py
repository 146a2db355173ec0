"""Whose each task of the ledger is, and views under the names of the tables of the systems before."""

from calling_pipeline.database.migration_steps import comment_on, run_sql, run_statement

revision = "0047_old_names"
down_revision = "0046_measures"

PREVIOUS_VERSION_RUNS = True
REASON = "nullable columns, columns with defaults and views; what the version before saves belongs to whoever saved it"

_VIEWS = ("infinity_call_configs", "infinity_extension_pool", "communication_records", "call_history", "tasks")
_SAVE = "save_task(text, text, text, bigint, boolean, text, jsonb, timestamptz, text"
_CHARGE = "charge_task(text, text, text, bigint, boolean, text, text, text, text, bigint, boolean, timestamptz, text"


def upgrade() -> None:
    run_statement("ALTER TABLE task_ledger ADD COLUMN account text")
    comment_on("COLUMN task_ledger.account", "whose it is; null: whoever made it")
    run_statement("ALTER TABLE communication_records ADD COLUMN supplier text DEFAULT 'infinity' NOT NULL")
    comment_on("COLUMN communication_records.supplier", "whose lines the call used; there is one supplier")
    run_statement(f"DROP FUNCTION {_SAVE})")
    run_statement(f"DROP FUNCTION {_CHARGE})")
    run_sql(revision, "charge_task")
    run_sql(revision, "save_task")
    run_sql(revision, "task_accounts")
    run_sql(revision, "old_names")
    for view in _VIEWS:
        run_sql(revision, f"old_{view}")


def downgrade() -> None:
    run_statement("DROP VIEW " + ", ".join(f"old_names.{view}" for view in _VIEWS))
    run_statement("DROP SCHEMA old_names")
    run_statement("DROP VIEW task_accounts")
    run_statement(f"DROP FUNCTION {_SAVE}, text)")
    run_statement(f"DROP FUNCTION {_CHARGE}, text, text)")
    run_sql(revision, "before_charge_task")
    run_sql(revision, "before_save_task")
    run_statement("ALTER TABLE communication_records DROP COLUMN supplier")
    run_statement("ALTER TABLE task_ledger DROP COLUMN account")
