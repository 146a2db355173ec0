"""The call history over HTTP: numbers that another system called are taken over."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PatientRuntimeDep, Short, Text
from calling_pipeline.api.envelope import Success, ok
from calling_pipeline.call_batches.history.files import read_file
from calling_pipeline.call_batches.history.importing import SHOWN, import_history
from calling_pipeline.call_batches.history.records import ImportReport

router = APIRouter(prefix="/api/v1/calls/history", tags=["call batches"])
Operator = Annotated[Caller, Depends(requires("operator", "batches"))]
LONGEST_FILE = 10_000_000


@router.post("/import", summary="Take over who was called elsewhere")
def import_rows(
    runtime: PatientRuntimeDep,
    caller: Operator,
    content: Annotated[bytes, Body(media_type="text/csv", max_length=LONGEST_FILE)],
    source: Annotated[Short, Query(min_length=1, description="the system that the rows come from")],
    reason: Annotated[Text, Query(max_length=500, description="why; kept in the audit log")] = "",
    dry_run: Annotated[bool, Query(description="say what would be done, and do nothing")] = False,
    shown: Annotated[int, Query(ge=0, le=1000, description="how many rows of each kind the answer names")] = SHOWN,
) -> Success[ImportReport]:
    """Read numbers from a CSV (UTF-8 or GB18030) with a column `phone`, from JSON lines, or from one number per line.

    No batch calls them again. read = taken + each reason; the same content again changes nothing. Larger files than 10 MB
    are imported with `calling-pipeline calls history import`.
    """
    with tempfile.TemporaryDirectory() as folder, runtime.transaction() as connection:
        file = Path(folder) / "imported.csv"
        file.write_bytes(content)
        rows = read_file(file)
        return ok(
            import_history(connection, rows, source=source, by=caller.name, reason=reason, dry_run=dry_run, shown=shown)
        )
