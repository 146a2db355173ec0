"""`/batches/why`: why a number was called or not. The number comes in the form, so that no address and no log holds it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline.analysis.number_history.gathering import MOST, Sight, number_history
from calling_pipeline.api.dependencies import Text
from calling_pipeline.call_batches.dependencies import archives_of
from calling_pipeline.console.views import View, viewing

router = APIRouter()
Viewer = Annotated[View, Depends(viewing("viewer", "batches"))]
KINDS = {
    "row": "quiet", "log": "busy", "refusal": "bad", "contact": "quiet", "do_not_call": "warn", "telephony": "busy",
    "record": "good", "result": "good", "import": "quiet",
}  # fmt: skip


@router.get("/batches/why")
def ask(view: Viewer) -> Response:
    """The box for a number."""
    return view.page("batches/why.html", found=None, kinds=KINDS, most=MOST)


@router.post("/batches/why")
def answer(view: Viewer, phone: Annotated[Text, Form(max_length=64)]) -> Response:
    """What every room that the person may enter knows of the number, the newest first."""
    with view.transaction() as connection:
        archives = archives_of(view.runtime)
        found = number_history(connection, view.runtime.phone_keys, phone, Sight.of(view.caller), archives=archives)
    return view.page("batches/why.html", found=found, kinds=KINDS, most=MOST)
