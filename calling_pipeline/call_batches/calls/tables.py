"""Tables of the calls: their state, their log, the gateway's refusals and the ids it was given."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from calling_pipeline.database.tables import Columns, Instant, metadata


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
