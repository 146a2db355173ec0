"""`/restored`: after a restore an admin says how calls and messages go on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi.responses import Response

from calling_pipeline.api.dependencies import Text
from calling_pipeline.backups import going_on
from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput

router = APIRouter(tags=["restored"])
Admin = Annotated[View, Depends(viewing("admin", "migrate"))]
Reason = Annotated[Text, Form(max_length=500)]
LONGEST_FILE = 20_000_000


@router.get("/restored")
def restored(view: Admin) -> Response:
    """What waits for a decision, and the forms of it."""
    with view.transaction() as connection:
        waiting = going_on.waiting(connection)
    return view.page("restored/restored.html", waiting=waiting)


@router.post("/restored/calls")
def go_on_calling(
    view: Admin,
    known: Annotated[Literal["list", "nobody"], Form()] = "list",
    numbers: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
    reason: Reason = "",
) -> Response:
    """Let batches and clicks go on: the list of who was called since, or that nobody was."""
    with tempfile.TemporaryDirectory() as folder, view.transaction() as connection:
        rows = None
        if known == "list":
            path = Path(folder) / "called.csv"
            path.write_bytes(_content(numbers, file))
            rows = read_file(path)
        going_on.go_on_calling(connection, called_since=rows, by=view.caller.name, reason=reason)
    return view.done("restored.calls_go_on", back="/restored")


@router.post("/restored/messages")
def go_on_sending(
    view: Admin, known: Annotated[Literal["maybe", "nothing"], Form()] = "maybe", reason: Reason = ""
) -> Response:
    """Let messages and mails go on: what waits may have been sent, or nothing was."""
    with view.transaction() as connection:
        done = going_on.go_on_sending(connection, may_have_been_sent=known == "maybe", by=view.caller.name, reason=reason)
    return view.done("restored.messages_go_on", back="/restored", unknown=done.unknown)


def _content(numbers: str, file: UploadFile | None) -> bytes:
    content = file.file.read(LONGEST_FILE + 1) if file is not None and file.filename else b""
    if len(content) > LONGEST_FILE:
        raise InvalidInput(
            f"the file is larger than {LONGEST_FILE // 1_000_000} MB; take it with `calling-pipeline go-on calls`",
            field="file",
        )
    if not content and not numbers.strip():
        raise InvalidInput("choose the file of numbers or paste them; or say that nobody was called", field="numbers")
    return content or numbers.encode(errors="replace")
