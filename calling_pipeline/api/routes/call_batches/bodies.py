"""Bodies and answers of the routes of calling tasks and call batches that are theirs alone."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.api.dependencies import Id, Real, Text, Whole
from calling_pipeline.call_batches.batches.views import BatchLine, CardDocument
from calling_pipeline.call_batches.calling_tasks.redials.records import RedialResult


class Redial(BaseModel):
    """A redial rule: it loosens the recall window for numbers whose last call, by this task, ended so."""

    model_config = ConfigDict(extra="forbid")

    result: RedialResult
    after_hours: Real = Field(description="hours since the last contact", examples=[4])
    at_most: Whole = Field(description="redials of one number by this task; its first call is none", examples=[3])
    below_s: Whole | None = Field(None, description="of short_talk alone: a talk of fewer seconds is one")


class TaskChanges(BaseModel):
    """Values of a calling task; what is left out stays, or takes its default."""

    model_config = ConfigDict(extra="forbid")

    cron: str | None = Field(None, description="5 fields, or 6 with seconds first; `?` allowed", examples=["0 0 9 * * ?"])
    source_schema: str | None = Field(None, max_length=63)
    source_table: str | None = Field(None, max_length=63)
    mobile_phone: str | None = Field(None, max_length=63, description="column, as are the next five")
    staff_name: str | None = Field(None, max_length=63)
    sys_name: str | None = Field(None, max_length=63)
    order_type: str | None = Field(None, max_length=63)
    order_nums: str | None = Field(None, max_length=63)
    row_key: str | None = Field(None, max_length=63, description="column with the source's own key, kept with each row")
    enabled: bool | None = None
    remark: Text | None = Field(None, max_length=2000)
    recall_days: Whole | None = Field(None, ge=0, description="null: never call a number again")
    refused_days: Whole | None = Field(None, ge=0, description="null: as CALLING_REFUSED_DAYS says")
    expires_after: str | None = Field(
        None, max_length=10, description="span from planning on, after which nobody is called", examples=["8h", "3d"]
    )
    rate_per_s: Real | None = Field(None, gt=0, description="beneath the gateway account's rate")
    policy: dict[str, Any] | None = None
    redial: list[Redial] | None = Field(None, max_length=10, description="after which results a number is called again")
    land_lines: bool | None = Field(None, description="whether land lines are called too")
    best_time: dict[str, Any] | None = Field(
        None,
        description="order calls by hour; null: off",
        examples=[{"goal": "connected", "explore": 0.2}],
    )


class NewTask(TaskChanges):
    """A calling task to add."""

    name: Text = Field(max_length=60)


class Why(BaseModel):
    """Why a person does it; kept in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: Text = Field("", max_length=500)


class RunNow(BaseModel):
    """Whether people are to be called, and how many the pre-flight card showed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(True, description="true: plan and call nothing, show the pre-flight card")
    to_call: Whole | None = Field(None, ge=0, description="what the card showed; needed for a run that calls")
    reason: Text = Field("", max_length=500)


class Settlement(BaseModel):
    """What became of unknown calls: all of the batch, or those with these ids."""

    model_config = ConfigDict(extra="forbid")

    settle_as: Literal["pushed", "retry"]
    call_ids: list[Id] | None = None
    note: Text = Field("", max_length=500)


class Question(BaseModel):
    """A number, in a body so that no log of addresses holds it."""

    model_config = ConfigDict(extra="forbid")

    phone: Text = Field(max_length=64)


class Requeue(BaseModel):
    """Which refused calls are to be made again, and what was mended."""

    model_config = ConfigDict(extra="forbid")

    code: Text | None = Field(None, max_length=40, description="the gateway's code; null: all refusals of our account")
    reason: Text = Field(max_length=500)


class Acceptance(BaseModel):
    """Calls that came too often, and what a person found."""

    model_config = ConfigDict(extra="forbid")

    call_ids: list[Id]
    reason: Text = Field(max_length=500)


class Removed(BaseModel):
    """The name of the calling task that was deleted."""

    removed: str


class Settled(BaseModel):
    """How many calls were settled, and the batches that go on because of it."""

    settled: int
    batches: list[int]


class Accepted(BaseModel):
    """How many calls were accepted."""

    accepted: int


class Preflight(CardDocument):
    """The pre-flight card of a task, and why no batch may start (null: one may)."""

    task: str
    refusal: str | None


class DryRun(Preflight):
    """The pre-flight card; nobody is called."""

    dry_run: Literal[True]


class Started(BatchLine):
    """The batch that was planned; the sensor pushes it."""

    dry_run: Literal[False]


class Requeued(BatchLine):
    """How many calls are made again, and their batch."""

    requeued: int
