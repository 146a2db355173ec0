"""Tables of the call batches: calling tasks, batches, call tasks, call log and call history."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from calling_pipeline.database.tables import Columns, Instant, metadata


class CallingTaskColumns(Columns):
    """Columns of `calling_tasks`."""

    id = sa.Column(sa.Integer, sa.Identity(always=True), primary_key=True)
    name = sa.Column(sa.Text, nullable=False)
    cron = sa.Column(sa.Text, nullable=False, comment="5 fields, or 6 with seconds first; Asia/Shanghai")
    source_schema = sa.Column(sa.Text, nullable=False)
    source_table = sa.Column(sa.Text, nullable=False)
    mobile_phone = sa.Column(sa.Text, nullable=False, comment="column of the source table, as are the next four")
    staff_name = sa.Column(sa.Text)
    sys_name = sa.Column(sa.Text)
    order_type = sa.Column(sa.Text)
    order_nums = sa.Column(sa.Text)
    enabled = sa.Column(sa.Boolean, nullable=False)
    remark = sa.Column(sa.Text, nullable=False, server_default="")
    recall_days = sa.Column(sa.Integer, comment="null: never again")
    rate_per_s = sa.Column(sa.Float, comment="null: the setting's")
    policy = sa.Column(JSONB, nullable=False, server_default="{}")
    ticks_from = sa.Column(Instant, nullable=False, comment="no tick before this instant is ever due")
    created_at = sa.Column(Instant, nullable=False)
    updated_at = sa.Column(Instant, nullable=False)
    refused_days = sa.Column(sa.Integer, comment="null: the setting's")
    expires_after_s = sa.Column(sa.Integer, comment="seconds from planning, after which a batch calls nobody; null: never")
    redial = sa.Column(JSONB, nullable=False, server_default="[]", comment="redial rules; empty: the recall window counts")
    land_lines = sa.Column(sa.Boolean, nullable=False, server_default=sa.false(), comment="whether it calls land lines too")
    row_key = sa.Column(sa.Text, comment="column of the source table that holds its own key")
    best_time = sa.Column(JSONB, comment="goal and exploring share of the best time to call; null: off")


calling_tasks = sa.Table(
    "calling_tasks",
    metadata,
    CallingTaskColumns,
    sa.UniqueConstraint("name", name="uq_calling_tasks_name"),
    sa.CheckConstraint("recall_days >= 0", name="recall_days"),
    sa.CheckConstraint("refused_days >= 0", name="refused_days"),
    sa.CheckConstraint("expires_after_s > 0", name="expires_after_s"),
    sa.CheckConstraint("rate_per_s > 0", name="rate_per_s"),
    comment="What is called, when, and by which rules",
)


class BatchColumns(Columns):
    """Columns of `call_batches`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    key = sa.Column(sa.Text, nullable=False, comment="task and tick: one tick is planned once")
    calling_task_id = sa.Column(sa.Integer, nullable=False)
    task_name = sa.Column(sa.Text, nullable=False)
    day = sa.Column(sa.Date, nullable=False, comment="daily partition")
    tick_at = sa.Column(Instant, comment="null: started by hand")
    state = sa.Column(sa.Text, nullable=False)
    note = sa.Column(sa.Text, nullable=False, server_default="")
    source = sa.Column(sa.Text, nullable=False)
    recall_days = sa.Column(sa.Integer)
    rate_per_s = sa.Column(sa.Float)
    policy = sa.Column(JSONB, nullable=False)
    card = sa.Column(JSONB, nullable=False)
    runner = sa.Column(UUID(as_uuid=True), comment="fencing: only this runner may claim")
    planned_at = sa.Column(Instant, nullable=False)
    started_at = sa.Column(Instant)
    finished_at = sa.Column(Instant)
    resume_at = sa.Column(Instant, comment="when a waiting batch goes on")
    expires_at = sa.Column(Instant, comment="from then on nobody is called; null: never")
    redial = sa.Column(JSONB, nullable=False, server_default="[]", comment="redial rules that its task had")
    best_time = sa.Column(JSONB, comment="how its calls were ordered by hour, and its draw; null: they were not")
    shadow = sa.Column(sa.Boolean, nullable=False, server_default=sa.false(), comment="planned in shadow mode: never pushed")


call_batches = sa.Table(
    "call_batches",
    metadata,
    BatchColumns,
    sa.UniqueConstraint("key", name="uq_call_batches_key"),
    sa.CheckConstraint("state IN ('planned', 'running', 'waiting', 'paused', 'cancelled', 'completed')", name="state"),
    sa.CheckConstraint("NOT shadow OR state IN ('planned', 'completed')", name="shadow_is_never_pushed"),
    sa.ForeignKeyConstraint(["calling_task_id"], ["calling_tasks.id"], name="fk_call_batches_calling_task"),
    sa.Index("ix_call_batches_day", "day"),
    sa.Index(
        "ix_call_batches_open", "state", "planned_at", postgresql_where=sa.text("state NOT IN ('cancelled', 'completed')")
    ),
    comment="One execution of a calling task",
)


class CallColumns(Columns):
    """Columns of `call_tasks`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    batch_id = sa.Column(sa.BigInteger, nullable=False)
    source_row = sa.Column(sa.Integer, nullable=False, comment="position in the source table when it was planned")
    phone = sa.Column(sa.Text(collation="C"), comment="canonical; null when there is none")
    raw = sa.Column(sa.Text, comment="the source's spelling where it differs")
    staff_name = sa.Column(sa.Text)
    sys_name = sa.Column(sa.Text)
    order_type = sa.Column(sa.Text)
    order_nums = sa.Column(sa.Integer)
    state = sa.Column(sa.Text, nullable=False)
    reason = sa.Column(sa.Text, comment="why it was skipped, refused or failed")
    distinct_id = sa.Column(sa.Text, comment="the gateway's key, given at the first claim and never changed")
    attempts = sa.Column(sa.SmallInteger, nullable=False, server_default="0", comment="claims so far")
    not_before = sa.Column(Instant)
    claim = sa.Column(UUID(as_uuid=True), comment="the claim that holds it, or held it last")
    claimed_at = sa.Column(Instant)
    resp_code = sa.Column(sa.Text)
    row_key = sa.Column(sa.Text, comment="the source's own key of the row")
    redial = sa.Column(sa.Text, comment="the redial rule, by its result, that judged the number's last call")
    redial_of = sa.Column(sa.BigInteger, comment="the last call, which this one redials; null: it is no redial")
    arm = sa.Column(sa.Text, comment="exploring: its hour was drawn at random; ordered: by what is known; null: no hour")
    slot = sa.Column(Instant, comment="the beginning of the hour it was planned for")


call_tasks = sa.Table(
    "call_tasks",
    metadata,
    CallColumns,
    sa.CheckConstraint("state IN ('pending', 'pushing', 'pushed', 'refused', 'failed', 'unknown', 'skipped')", name="state"),
    sa.CheckConstraint("state = 'skipped' OR phone IS NOT NULL", name="phone"),
    sa.CheckConstraint("arm IN ('exploring', 'ordered')", name="arm_is_known"),
    sa.CheckConstraint("(arm IS NULL) = (slot IS NULL)", name="arm_has_its_slot"),
    sa.CheckConstraint("state <> 'skipped' OR reason IS NOT NULL", name="skip_reason"),
    sa.Index(
        "uq_call_tasks_open_phone",
        "phone",
        unique=True,
        postgresql_where=sa.text("state IN ('pending', 'pushing', 'unknown')"),
    ),
    sa.Index("uq_call_tasks_distinct_id", "distinct_id", unique=True, postgresql_where=sa.text("distinct_id IS NOT NULL")),
    sa.Index("ix_call_tasks_pending", "batch_id", "source_row", postgresql_where=sa.text("state = 'pending'")),
    sa.Index("ix_call_tasks_in_flight", "batch_id", "state", postgresql_where=sa.text("state IN ('pushing', 'unknown')")),
    sa.Index("ix_call_tasks_batch", "batch_id", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    sa.Index(
        "ix_call_tasks_phone",
        "phone",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        postgresql_ops={"phone": "text_bloom_ops(n_distinct_per_range=2000)"},
    ),
    comment="One source row of a batch and its outcome",
)


class CallLogColumns(Columns):
    """Columns of `call_log`."""

    id = sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    call_task_id = sa.Column(sa.BigInteger, nullable=False)
    batch_id = sa.Column(sa.BigInteger, nullable=False)
    phone = sa.Column(sa.Text(collation="C"), nullable=False)
    distinct_id = sa.Column(sa.Text, nullable=False)
    attempt = sa.Column(sa.SmallInteger, nullable=False)
    outcome = sa.Column(sa.Text, nullable=False)
    resp_code = sa.Column(sa.Text, nullable=False, server_default="")
    message = sa.Column(sa.Text, nullable=False, server_default="")
    http_status = sa.Column(sa.SmallInteger)
    sent_at = sa.Column(Instant)
    answered_at = sa.Column(Instant)
    recorded_at = sa.Column(Instant, nullable=False)
    recorded_by = sa.Column(sa.Text, nullable=False, server_default="")


call_log = sa.Table(
    "call_log",
    metadata,
    CallLogColumns,
    sa.UniqueConstraint("call_task_id", "attempt", "outcome", name="uq_call_log_attempt_outcome"),
    sa.CheckConstraint(
        "outcome IN ('pushed', 'refused', 'failed', 'not_sent', 'unknown', 'settled_pushed', 'settled_retry')",
        name="outcome",
    ),
    sa.Index("ix_call_log_batch_id", "batch_id"),
    sa.Index("ix_call_log_phone_recorded_at", "phone", "recorded_at"),
    comment="Every push attempt and every settlement; rows are only ever added",
)


class CallHistoryColumns(Columns):
    """Columns of `call_history`."""

    phone = sa.Column(sa.Text(collation="C"), primary_key=True)
    first_called_at = sa.Column(Instant, nullable=False)
    last_called_at = sa.Column(Instant, nullable=False)
    calls = sa.Column(sa.Integer, nullable=False, comment="made here and elsewhere")
    last_batch_id = sa.Column(sa.BigInteger, comment="of the newest call made here; null: none was")
    last_call_task_id = sa.Column(sa.BigInteger, comment="the newest call made here; null: none was")
    origin = sa.Column(sa.Text, nullable=False, server_default="own", comment="imported: first known by an import")
    imported_calls = sa.Column(sa.Integer, nullable=False, server_default="0", comment="those of `calls` made elsewhere")
    imported_called_at = sa.Column(Instant, comment="the newest call made elsewhere; null: none is known")
    imported_from = sa.Column(sa.Text, comment="the source that was named at the newest import")
    staff_name = sa.Column(sa.Text, comment="of the newest call, as are the next three")
    sys_name = sa.Column(sa.Text)
    order_type = sa.Column(sa.Text)
    order_nums = sa.Column(sa.Integer)
    updated_time = sa.Column(Instant, comment="when a call, or an import, last wrote them")


call_history = sa.Table(
    "call_history",
    metadata,
    CallHistoryColumns,
    sa.CheckConstraint("origin IN ('own', 'imported')", name="origin"),
    sa.CheckConstraint("imported_calls BETWEEN 0 AND calls", name="imported_calls"),
    sa.CheckConstraint("last_call_task_id IS NOT NULL OR imported_calls > 0", name="somebody_called"),
    comment="One row per phone ever called",
)


class GatewayRefusalColumns(Columns):
    """Columns of `gateway_refusals`."""

    phone = sa.Column(sa.Text(collation="C"), primary_key=True)
    refused_at = sa.Column(Instant, nullable=False)
    about = sa.Column(sa.Text, nullable=False, comment="person: final for this phone; account: a person decides")
    code = sa.Column(sa.Text, nullable=False, comment="the gateway's code; empty when it refused the request itself")
    batch_id = sa.Column(sa.BigInteger, nullable=False)
    call_task_id = sa.Column(sa.BigInteger, nullable=False)


gateway_refusals = sa.Table(
    "gateway_refusals",
    metadata,
    GatewayRefusalColumns,
    sa.CheckConstraint("about IN ('person', 'account')", name="about"),
    sa.Index("ix_gateway_refusals_account", "batch_id", postgresql_where=sa.text("about = 'account'")),
    comment="One row per phone that the gateway refused: its last refusal",
)


class GatewayRateColumns(Columns):
    """Columns of `gateway_rates`."""

    account = sa.Column(sa.Text, primary_key=True, comment="application id and address")
    next_at = sa.Column(Instant, nullable=False, comment="the first instant for which no send is reserved")


gateway_rates = sa.Table(
    "gateway_rates",
    metadata,
    GatewayRateColumns,
    comment="How far the sends of each gateway account are reserved: its one rate over all batches and processes",
)


class GatewayShareColumns(Columns):
    """Columns of `gateway_shares`."""

    account = sa.Column(sa.Text, primary_key=True)
    batch_id = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    reserved_at = sa.Column(Instant, nullable=False)


gateway_shares = sa.Table(
    "gateway_shares",
    metadata,
    GatewayShareColumns,
    comment="When each batch last reserved sends: among how many the account's rate is shared",
)


class GatewayIdColumns(Columns):
    """Columns of `gateway_ids`."""

    single = sa.Column(sa.Boolean, primary_key=True)
    last_slot = sa.Column(sa.BigInteger, nullable=False, comment="milliseconds since 1970 of the last distinct_id")


gateway_ids = sa.Table(
    "gateway_ids",
    metadata,
    GatewayIdColumns,
    sa.CheckConstraint("single", name="single"),
    comment="The last distinct_id given out, one row",
)
