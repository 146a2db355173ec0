"""Whether a number was called is looked up in three large tables: a small index by blocks for each.

A block index (BRIN with Bloom filters) holds a summary of 32 pages instead of an entry for each row: it costs what writes
them next to nothing, and a look reads a hundredth of the table.
"""

from calling_pipeline.database.migration_steps import create_index_concurrently, run_statement

revision = "0026_number_lookup"
down_revision = "0025_day_refreshes"

PREVIOUS_VERSION_RUNS = True
REASON = "three indexes, each built while its table is in use; one that is complete is left as it is when this runs again"
INDEXES = (
    ("ix_call_tasks_phone", "call_tasks", "phone", "text_bloom_ops"),
    ("ix_call_records_phone_hash", "call_records", "phone_hash", "bytea_bloom_ops"),
    (
        "ix_communication_records_destination_hash",
        "communication_records",
        "destination_hash",
        "bytea_bloom_ops",
    ),
)


def upgrade() -> None:
    for name, table, column, operators in INDEXES:
        create_index_concurrently(
            name,
            table,
            [column],
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
            postgresql_ops={column: f"{operators}(n_distinct_per_range=2000)"},
        )


def downgrade() -> None:
    for name, *_ in INDEXES:
        run_statement(f"DROP INDEX {name}")
