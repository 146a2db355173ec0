"""One person over HTTP: what is kept about them, given out or erased with a certificate. Numbers come in bodies only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PathId, RuntimeDep, Text
from calling_pipeline.api.envelope import Success, ok
from calling_pipeline.persons import erasing, finding, store
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.persons.views import certificate_document, preview_document

router = APIRouter(prefix="/api/v1/persons", tags=["persons"])
Admin = Annotated[Caller, Depends(requires("admin", "policy"))]
Document = dict[str, Any]
Phone = Annotated[Text, Field(min_length=1, max_length=40, description="in any spelling")]


class Somebody(BaseModel):
    """A number."""

    model_config = ConfigDict(extra="forbid")
    phone: Phone


class Wish(Somebody):
    """A number, and who asked."""

    reason: Text = Field(min_length=1, max_length=500, description="who asked for it, and how")


@router.post("/preview")
def preview(runtime: RuntimeDep, wanted: Somebody, caller: Admin) -> Success[Document]:
    """What is kept about a person, by table, and what an erasure would meet. Changes nothing."""
    with runtime.transaction() as connection:
        return ok(preview_document(finding.preview(connection, PersonDependencies.from_runtime(runtime), wanted.phone)))


@router.post("/export")
def export(runtime: RuntimeDep, wanted: Wish, caller: Admin) -> Success[Document]:
    """Everything kept about a person in full, for that person; the act is noted."""
    deps = PersonDependencies.from_runtime(runtime)
    with runtime.transaction() as connection:
        return ok(finding.export(connection, deps, wanted.phone, by=caller.name, reason=wanted.reason))


@router.post("/erase")
def erase(runtime: RuntimeDep, wanted: Wish, caller: Admin) -> Success[Document]:
    """Erase a person; the certificate. 409 while a call to the number is being made or its outcome is unknown."""
    deps = PersonDependencies.from_runtime(runtime)
    with runtime.transaction() as connection:
        made = erasing.erase(connection, deps, wanted.phone, by=caller.name, reason=wanted.reason)
    return ok(certificate_document(made))


@router.get("/certificates")
def certificates(
    runtime: RuntimeDep, caller: Admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Success[list[Document]]:
    """The certificates, the newest first."""
    with runtime.transaction() as connection:
        return ok([certificate_document(one) for one in store.certificates(connection, limit=limit)])


@router.get("/certificates/{certificate_id}")
def certificate(runtime: RuntimeDep, caller: Admin, certificate_id: PathId) -> Success[Document]:
    """One certificate again; 409 when it is not as it was made."""
    with runtime.transaction() as connection:
        return ok(certificate_document(erasing.certificate(connection, certificate_id)))
