"""How a restored system goes on, over HTTP: what is known of the time since the backup. Until then nothing goes out."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Annotated, Literal, NotRequired

from fastapi import APIRouter, Body, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PatientRuntimeDep, RuntimeDep, Text
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.backups import going_on
from calling_pipeline.backups.views import waiting_document, went_on_document
from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.call_batches.history.records import ImportReport
from calling_pipeline.errors import InvalidInput
from calling_pipeline.outgoing.records import Act

router = APIRouter(prefix="/api/v1/restored", tags=["restored"])
Admin = Annotated[Caller, Depends(requires("admin", "migrate"))]
LONGEST_FILE = 10_000_000


class Sent(BaseModel):
    """What is known of messages and mails since the backup."""

    model_config = ConfigDict(extra="forbid")
    known: Literal["may_have_been_sent", "nothing_was_sent"]
    reason: Text = Field(min_length=1, max_length=500, description="how you know")


class Held(TypedDict):
    """Since when it is not known what happened, and why it is held back."""

    since: dt.datetime
    reason: str


class Waiting(TypedDict):
    """What waits for a decision; left out what does not."""

    calls: NotRequired[Held]
    messages: NotRequired[Held]


class WentOn(TypedDict):
    """The acts that go on, what became of the list of numbers, and how many messages are unknown now."""

    acts: list[Act]
    called_since: ImportReport | None
    unknown: int


@router.get("", summary="What waits for a decision after a restore", response_model=Success[Described[Waiting]])
def waiting(runtime: RuntimeDep, caller: Admin) -> object:
    """`calls` and `messages`, each with `since` and the reason, while it is held back; empty when nothing is."""
    with runtime.transaction() as connection:
        return ok(waiting_document(going_on.waiting(connection)))


@router.post("/calls", summary="Let batches and clicks go on", response_model=Success[Described[WentOn]])
def go_on_calling(
    runtime: PatientRuntimeDep,
    caller: Admin,
    reason: Annotated[Text, Query(min_length=1, max_length=500, description="how you know")],
    content: Annotated[bytes, Body(media_type="text/csv", max_length=LONGEST_FILE)] = b"",
    nobody_was_called: Annotated[bool, Query(description="nobody was called since the backup: the body is empty")] = False,
) -> object:
    """The numbers called since the backup: a CSV with a column `phone`, JSON lines, or one number per line.

    Nobody of them is called by what was planned before, and they count for caps. 409 when no restore holds calls back; 422
    for a list in which a row names no number: nothing is taken then. A list of more than 10 MB goes by `calling-pipeline
    go-on calls`.
    """
    if bool(content.strip()) == nobody_was_called:
        raise InvalidInput("say one of the two: a list of numbers as the body, or nobody_was_called")
    with tempfile.TemporaryDirectory() as folder, runtime.transaction() as connection:
        rows = None
        if not nobody_was_called:
            file = Path(folder) / "called.csv"
            file.write_bytes(content)
            rows = read_file(file)
        done = going_on.go_on_calling(connection, called_since=rows, by=caller.name, reason=reason)
        return ok(went_on_document(done))


@router.post("/messages", summary="Let messages and mails go on", response_model=Success[Described[WentOn]])
def go_on_sending(runtime: RuntimeDep, caller: Admin, sent: Sent) -> object:
    """`may_have_been_sent`: what waits is unknown, and a person settles each; `nothing_was_sent`: what waits is sent.

    409 when no restore holds messages back.
    """
    maybe = sent.known == "may_have_been_sent"
    with runtime.transaction() as connection:
        done = going_on.go_on_sending(connection, may_have_been_sent=maybe, by=caller.name, reason=sent.reason)
        return ok(went_on_document(done))
