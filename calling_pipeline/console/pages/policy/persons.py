"""A person's rights: everything kept about a number as a file for them, or erased; the certificates of erasures."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.console.pages.policy.handles import number_of
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput
from calling_pipeline.persons import erasing, finding, store
from calling_pipeline.persons.dependencies import PersonDependencies

router = APIRouter(tags=["policy"])
Admin = Annotated[View, Depends(viewing("admin", "policy"))]
Text = Annotated[str, Form(max_length=500)]
SHOWN = 200


@router.get("/policy/numbers/{handle}/export")
def ask_to_export(view: Admin, handle: str) -> Response:
    """What the file would hold."""
    return _previewed(view, handle, "policy/person_export.html")


@router.post("/policy/numbers/{handle}/export")
def export(view: Admin, handle: str, reason: Text = "") -> Response:
    """Everything kept about the person, as a file."""
    if not reason.strip():
        raise InvalidInput("say who asked for it", field="reason")
    with view.transaction() as connection:
        found = finding.export(connection, _deps(view), number_of(view, handle), by=view.caller.name, reason=reason)
    content = json.dumps(found, ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": 'attachment; filename="person.json"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/json", headers=headers)


@router.get("/policy/numbers/{handle}/erase")
def ask_to_erase(view: Admin, handle: str) -> Response:
    """What an erasure would do, or why it cannot be done now."""
    return _previewed(view, handle, "policy/person_erase.html")


@router.post("/policy/numbers/{handle}/erase")
def erase(view: Admin, handle: str, reason: Text = "") -> Response:
    """Erase the person; their certificate."""
    with view.transaction() as connection:
        made = erasing.erase(connection, _deps(view), number_of(view, handle), by=view.caller.name, reason=reason)
    number = made.document["number"]
    return view.done("persons.erased", back=f"/policy/certificates/{made.id}", number=number)


@router.get("/policy/certificates")
def certificates(view: Admin) -> Response:
    """The newest certificates."""
    with view.transaction() as connection:
        found = store.certificates(connection, limit=SHOWN)
    return view.page("policy/certificates.html", certificates=found)


@router.get("/policy/certificates/{certificate_id}")
def certificate(view: Admin, certificate_id: PathId) -> Response:
    """One certificate, as it was made."""
    with view.transaction() as connection:
        found = erasing.certificate(connection, certificate_id)
    return view.page("policy/certificate.html", one=found, document=found.document)


def _previewed(view: View, handle: str, template: str) -> Response:
    with view.transaction() as connection:
        seen = finding.preview(connection, _deps(view), number_of(view, handle))
    return view.page(template, seen=seen, handle=handle)


def _deps(view: View) -> PersonDependencies:
    return PersonDependencies.from_runtime(view.runtime)
