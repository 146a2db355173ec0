"""Allocation and the task ledger's saving in small functions, one rule for "is this extension ready", plainer words.

`lend_extension` becomes `allocate_extension`, `extension_pool.lent_at` becomes `allocated_at`.
"""

from calling_pipeline.database.migration_steps import comment_on, run_sql, run_statement

revision = "0011_allocate_extension"
down_revision = "0010_call_task_indexes"

PREVIOUS_VERSION_RUNS = False
REASON = "version 0.1.0 calls lend_extension and reads lent_at: end its processes before the migration"

FUNCTIONS = (
    "extension_is_ready",
    "choose_extension",
    "count_extensions",
    "allocate_extension",
    "task_outcome",
    "charge_task",
    "save_task",
)
UNCONVENTIONAL_KEYS = ("alerts", "alert_conditions", "alert_deliveries")
"""Tables whose primary key bore PostgreSQL's own name."""
_OLD = "0010_call_task_indexes"

COMMENTS = {
    "TABLE vendor_credentials": (
        "Tokens that vendors lend us; `database/credentials.py` is their only reader and writer",
        "Tokens that vendors issue; `database/credentials.py` alone reads and writes them",
    ),
    "TABLE do_not_call": (
        "Numbers nobody may contact, one row a source; without expires_at for ever",
        "Numbers that nobody may contact, one row per source; permanent without expires_at",
    ),
    "TABLE task_ledger": (
        "Every unit of work, one row a task id; never goes backwards",
        "Every unit of work, one row per task id; never goes backwards",
    ),
    "TABLE task_charges": ("Credits charged, once an act", "Credits charged, once per act"),
    "TABLE call_history": ("One row a phone ever called", "One row per phone ever called"),
    "TABLE call_tasks": (
        "One source row of a batch and what became of it",
        "One source row of a batch and its outcome",
    ),
    "TABLE notification_lanes": (
        "One row a receiver: whoever claims his next message locks it",
        "One row per receiver: claiming the receiver's next message locks it",
    ),
    "TABLE contract_messages": (
        "Messages about contracts: group and award message, at most one of each a contract",
        "Messages about contracts: group and award message, at most one of each per contract",
    ),
    "COLUMN communication_records.closed_at": ("the extension was given back", "the extension was released"),
    "COLUMN infinity_bills.state": ("the state the bill tells", "the state according to the bill"),
}
"""What is described → the description before and after."""


def upgrade() -> None:
    run_statement("DROP FUNCTION lend_extension; DROP FUNCTION save_task; DROP VIEW extension_statistics")
    run_statement("ALTER TABLE extension_pool RENAME COLUMN lent_at TO allocated_at")
    for table in UNCONVENTIONAL_KEYS:
        run_statement(f"ALTER TABLE {table} RENAME CONSTRAINT {table}_pkey TO pk_{table}")
    for name in (*FUNCTIONS, "refuse_change", "extension_statistics"):
        run_sql(revision, name)
    for subject, (_, after) in COMMENTS.items():
        comment_on(subject, after)


def downgrade() -> None:
    for subject, (before, _) in COMMENTS.items():
        comment_on(subject, before)
    run_statement("DROP VIEW extension_statistics")
    for name in reversed(FUNCTIONS):
        run_statement(f"DROP FUNCTION {name}")
    run_statement("ALTER TABLE extension_pool RENAME COLUMN allocated_at TO lent_at")
    for table in UNCONVENTIONAL_KEYS:
        run_statement(f"ALTER TABLE {table} RENAME CONSTRAINT pk_{table} TO {table}_pkey")
    run_sql(revision, "refuse_change_before")
    for name in ("lend_extension", "save_task", "extension_statistics"):
        run_sql(_OLD, name)
