"""`call_records` in partitions of a day each.

The rows there are stay where they are: their table becomes the first partition, `call_records_before_…`, which ends with the
day after today; from then on each day has a partition of its own. Nothing is copied and no row is touched.

How long it takes, and what it locks: a unique index over (id, date) is built while the table is in use (about a second per
million rows); a check of the dates is validated while it is in use (a tenth of that); then the table is locked against
everybody for some milliseconds, in which its names change. The version before has to be stopped all the same: it stores by a
key of the id alone, which a partitioned table cannot have.

The retention deletes from the first partition row by row, as before, until its last day is old enough and it is dropped.

The way back copies every row into one table in one transaction (about ten seconds per million rows, under an exclusive
lock), and needs the space of the table once more meanwhile.
"""

from alembic import op

from calling_pipeline.database.migration_steps import create_index_concurrently, run_sql, run_statement

revision = "0045_day_partitions"
down_revision = "0042_outgoing_holds"

PREVIOUS_VERSION_RUNS = False
REASON = "a key of a partitioned table contains the day, and the version before stores call records by a key of the id alone"
_ROWS = "SELECT EXISTS (SELECT FROM call_records)"
_END = "SELECT greatest(max(date), current_date) + 1 FROM call_records"


def upgrade() -> None:
    if not op.get_bind().exec_driver_sql(_ROWS).scalar_one():
        run_statement("DROP TABLE call_records")
        run_sql(revision, "call_records")
        return
    end = op.get_bind().exec_driver_sql(_END).scalar_one()
    older = f"call_records_before_{end:%Y%m%d}"
    create_index_concurrently("ix_call_records_id_date", "call_records", ["id", "date"], unique=True)
    with op.get_context().autocommit_block():
        run_statement("ALTER TABLE call_records DROP CONSTRAINT IF EXISTS dates")
        run_statement(f"ALTER TABLE call_records ADD CONSTRAINT dates CHECK (date < '{end}') NOT VALID")
        run_statement("ALTER TABLE call_records VALIDATE CONSTRAINT dates")
    run_statement("ALTER TABLE call_records DROP CONSTRAINT pk_call_records, ALTER COLUMN date SET NOT NULL")
    run_statement(f"ALTER TABLE call_records ADD CONSTRAINT {older}_pkey PRIMARY KEY USING INDEX ix_call_records_id_date")
    run_statement(f"ALTER INDEX ix_call_records_date RENAME TO {older}_date_idx")
    run_statement(f"ALTER INDEX ix_call_records_phone_hash RENAME TO {older}_phone_hash_idx")
    run_statement(f"ALTER TABLE call_records RENAME TO {older}")
    run_sql(revision, "call_records")
    run_statement(f"ALTER TABLE call_records ATTACH PARTITION {older} FOR VALUES FROM (MINVALUE) TO ('{end}')")
    run_statement(f"ALTER TABLE {older} DROP CONSTRAINT dates")


def downgrade() -> None:
    run_statement("SET LOCAL statement_timeout = '3600s'")
    run_sql(revision, "one_table")
