"""Notifications over HTTP: what became of messages, contracts and ledger lines. Nothing here changes anything."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Limit, Offset, PathId, RuntimeDep, Short
from calling_pipeline.api.envelope import Described, Page, Success, ok, page
from calling_pipeline.api.routes.notifications import answers
from calling_pipeline.errors import NotFound
from calling_pipeline.notifications import views
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.ledger_rows import key_of_contract
from calling_pipeline.notifications.contracts.previewing import Preview
from calling_pipeline.notifications.contracts.previewing import preview as preview_ledger
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import HeldGroup, MessageState, Selection, StoredMessage
from calling_pipeline.notifications.outboxes import OUTBOXES
from calling_pipeline.notifications.starting import known_ledger

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])
Viewer = Annotated[Caller, Depends(requires("viewer", "notifications"))]

Box = Literal["contracts", "technicians"]
OfBox = Annotated[Box, Query(description="whose messages: those about contracts or about technicians")]


@router.get("/status", response_model=Success[Described[answers.Status]])
def status(
    runtime: RuntimeDep, caller: Viewer, held: Annotated[int, Query(ge=0, le=1000, description="held messages shown")] = 50
) -> object:
    """Messages by state, how sending went, what is held and why, parked lines, and contracts that were set back to N."""
    with runtime.transaction() as connection:
        return ok(views.status(connection, limit=held))


@router.get("/messages", response_model=Success[Page[Described[StoredMessage]]])
def list_messages(
    runtime: RuntimeDep,
    caller: Viewer,
    box: OfBox = "contracts",
    state: MessageState | None = None,
    receiver: Annotated[Short | None, Query(description="robot:GROUP or user:CONTACT")] = None,
    cause: Annotated[Short | None, Query(description="as `held_groups` names it")] = None,
    subject: Annotated[Short | None, Query(description="contract id, or technician change")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> object:
    """Messages, the oldest first, with their text and what happened to them."""
    chosen = Selection(states=(state,) if state else (), receiver=receiver, cause=cause, subject=subject)
    with runtime.transaction() as connection:
        found = OUTBOXES[box].selected(connection, chosen, limit=limit, offset=offset)
        total = OUTBOXES[box].count(connection, chosen)
    return page([views.message_document(message) for message in found], total, limit, offset)


@router.get("/messages/{box}/{message_id}", response_model=Success[Described[StoredMessage]])
def show_message(runtime: RuntimeDep, box: Box, message_id: PathId, caller: Viewer) -> object:
    """One message."""
    with runtime.transaction() as connection:
        found = OUTBOXES[box].selected(connection, Selection((message_id,)), limit=1)
    if not found:
        raise NotFound(f"there is no message {message_id} about {box}")
    return ok(views.message_document(found[0]))


@router.get("/causes")
def list_causes(runtime: RuntimeDep, caller: Viewer, box: OfBox = "contracts") -> Success[list[HeldGroup]]:
    """Held messages by state, cause and receiver, the largest group first."""
    with runtime.transaction() as connection:
        return ok(OUTBOXES[box].held_groups(connection))


@router.get("/contracts", response_model=Success[Page[Described[answers.ContractRow]]])
def list_contracts(
    runtime: RuntimeDep,
    caller: Viewer,
    ledger: Annotated[Short | None, Query(description="path of a ledger file")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> object:
    """Contracts of the ledgers, those first seen last at the top: what the row said, and its messages by state."""
    with runtime.transaction() as connection:
        found = rows.contracts(connection, csv_file=ledger, limit=limit, offset=offset)
        total = rows.count_contracts(connection, ledger)
    return page(found, total, limit, offset)


@router.get("/contracts/{contract_id:path}", response_model=Success[Described[answers.Contract]])
def show_contract(runtime: RuntimeDep, contract_id: str, caller: Viewer) -> object:
    """One contract: its rows in the ledgers, and every message about it."""
    with runtime.transaction() as connection:
        return ok(views.contract_document(connection, key_of_contract(contract_id)))


@router.get("/parked", response_model=Success[list[Described[answers.ParkedLines]]])
def list_parked(runtime: RuntimeDep, caller: Viewer) -> object:
    """Ledger lines of which no message can be made, by reason. They go on by themselves once the reason is gone."""
    with runtime.transaction() as connection:
        return ok(views.parked_documents(connection))


@router.get("/questions", response_model=Success[list[Described[answers.Asked]]])
def list_questions(runtime: RuntimeDep, caller: Viewer) -> object:
    """Contracts whose row was set back from Y to N: are they to be sent again? `resend` or `keep` answers."""
    with runtime.transaction() as connection:
        return ok(views.question_documents(connection))


@router.get("/preview")
def preview(
    runtime: RuntimeDep, caller: Viewer, ledger: Annotated[Short, Query(description="path or name of a known ledger file")]
) -> Success[Preview]:
    """Who would get which text of a ledger now, what is parked and why, what a rate holds back. Writes and sends nothing."""
    deps = NotificationDependencies.from_runtime(runtime)
    path = known_ledger(deps, runtime.settings.contract_ledgers, ledger)
    with deps.transaction() as connection:
        return ok(preview_ledger(connection, path, deps.plan, Names(deps.robots, deps.users), rate=deps.rate))
