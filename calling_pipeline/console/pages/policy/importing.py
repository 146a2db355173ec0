"""Importing into the do-not-call list by paste or file: first what would be done, line by line, then the doing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.console.views import View, viewing
from calling_pipeline.contact_policy.list_files import Imported, import_file
from calling_pipeline.errors import InvalidInput

router = APIRouter(tags=["policy"])
Operator = Annotated[View, Depends(viewing("operator", "policy"))]
Text = Annotated[str, Form(max_length=500)]
LONGEST_FILE = 10_000_000
SHOWN = 500
"""Lines of each kind that the page names."""


@router.get("/policy/import")
def ask(view: Operator) -> Response:
    """The form."""
    return _page(view, None, numbers="", source="", expires="")


@router.post("/policy/import")
def judge_or_import(
    view: Operator,
    do: Annotated[Literal["try", "import"], Form()] = "try",
    numbers: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
    source: Text = "",
    expires: Text = "",
) -> Response:
    """Say what would become of each line, or do it. The file counts where there is one, else what was pasted."""
    last = days.parse_day(expires, field="expires") if expires.strip() else None
    content, name = _content(numbers, file)
    with tempfile.TemporaryDirectory() as folder, view.transaction() as connection:
        path = Path(folder) / name
        path.write_bytes(content)
        dry_run = do == "try"
        done = import_file(connection, path, source=source, expires=last, by=view.caller.name, dry_run=dry_run, shown=SHOWN)
    return _page(view, done, numbers=numbers, source=source, expires=expires)


def _page(view: View, done: Imported | None, **typed: str) -> Response:
    return view.page("policy/import.html", done=done, typed=typed, shown=SHOWN)


def _content(numbers: str, file: UploadFile | None) -> tuple[bytes, str]:
    content = file.file.read(LONGEST_FILE + 1) if file is not None and file.filename else b""
    if len(content) > LONGEST_FILE:
        raise InvalidInput(f"the file is larger than {LONGEST_FILE // 1_000_000} MB; import it in parts", field="file")
    if content:
        return content, "uploaded.csv"
    if not numbers.strip():
        raise InvalidInput("there is nothing to import: choose a file or paste numbers, one per line", field="numbers")
    return numbers.encode(errors="replace"), "pasted.csv"
