"""One person over HTTP: what is kept about them, given out or erased with a certificate. Numbers come in bodies only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import PathId, RuntimeDep, Text
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.persons import erasing, finding, store
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.persons.views import certificate_document, preview_document

router = APIRouter(prefix="/api/v1/persons", tags=["persons"])
Admin = Annotated[Caller, Depends(requires("admin", "policy"))]
Phone = Annotated[Text, Field(min_length=1, max_length=40, description="in any spelling")]


class Somebody(BaseModel):
    """A number."""

    model_config = ConfigDict(extra="forbid")
    phone: Phone


class Wish(Somebody):
    """A number, and who asked."""

    reason: Text = Field(min_length=1, max_length=500, description="who asked for it, and how")


class Preview(TypedDict):
    """What an erasure would meet: rows by place, files, where the number stays, and why it cannot be done now."""

    number: str
    rows: dict[str, int]
    recordings: int
    left: list[str]
    erased_before: list[int]
    obstacle: str


class ErasedPlace(TypedDict):
    """Rows of one place that were erased, and what they are."""

    place: str
    rows: int
    what: str


class KeptPart(TypedDict):
    """What stays, and why."""

    what: str
    why: str


class Certificate(TypedDict):
    """The proof of one erasure: where how many rows were erased, what stays and why, and who asked for it."""

    id: int
    number: str
    token: str
    erased_at: str
    by: str
    door: str
    reason: str
    erased: list[ErasedPlace]
    recordings: int
    skipped: int
    kept: list[KeptPart]
    left: list[str]
    digest: str


class ExportedRows(TypedDict):
    """The rows of one place in full, with its columns' names."""

    what: str
    rows: list[dict[str, Any]]


class EarlierErasure(TypedDict):
    """A certificate of the same number from before."""

    certificate: int
    at: str


class Exported(TypedDict):
    """Everything kept about a person, by place, and the ids of calls that have a recording."""

    number: str
    made_at: str
    tables: dict[str, ExportedRows]
    recordings_of_calls: list[int]
    contract_ledgers: list[str]
    erased_before: list[EarlierErasure]


@router.post("/preview", response_model=Success[Described[Preview]])
def preview(runtime: RuntimeDep, wanted: Somebody, caller: Admin) -> object:
    """What is kept about a person, by table, and what an erasure would meet. Changes nothing."""
    with runtime.transaction() as connection:
        return ok(preview_document(finding.preview(connection, PersonDependencies.from_runtime(runtime), wanted.phone)))


@router.post("/export", response_model=Success[Described[Exported]])
def export(runtime: RuntimeDep, wanted: Wish, caller: Admin) -> object:
    """Everything kept about a person in full, for that person; the act is noted."""
    deps = PersonDependencies.from_runtime(runtime)
    with runtime.transaction() as connection:
        return ok(finding.export(connection, deps, wanted.phone, by=caller.name, reason=wanted.reason))


@router.post("/erase", response_model=Success[Described[Certificate]])
def erase(runtime: RuntimeDep, wanted: Wish, caller: Admin) -> object:
    """Erase a person; the certificate. 409 while a call to the number is being made or its outcome is unknown."""
    deps = PersonDependencies.from_runtime(runtime)
    with runtime.transaction() as connection:
        made = erasing.erase(connection, deps, wanted.phone, by=caller.name, reason=wanted.reason)
    return ok(certificate_document(made))


@router.get("/certificates", response_model=Success[list[Described[Certificate]]])
def certificates(runtime: RuntimeDep, caller: Admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> object:
    """The certificates, the newest first."""
    with runtime.transaction() as connection:
        return ok([certificate_document(one) for one in store.certificates(connection, limit=limit)])


@router.get("/certificates/{certificate_id}", response_model=Success[Described[Certificate]])
def certificate(runtime: RuntimeDep, caller: Admin, certificate_id: PathId) -> object:
    """One certificate again; 409 when it is not as it was made."""
    with runtime.transaction() as connection:
        return ok(certificate_document(erasing.certificate(connection, certificate_id)))
