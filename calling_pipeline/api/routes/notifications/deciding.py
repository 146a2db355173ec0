"""Notifications over HTTP: what people decide about messages and contracts, and runs over ledgers.

Messages that a decision concerns are sent by the next delivery.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Id, RuntimeDep, Short, Text
from calling_pipeline.api.envelope import Described, Success, ok
from calling_pipeline.api.routes.notifications import answers
from calling_pipeline.api.routes.notifications.reading import Box
from calling_pipeline.at_most_once.settlement import settlement_of
from calling_pipeline.errors import InvalidInput
from calling_pipeline.notifications import starting, views
from calling_pipeline.notifications.contracts.answering import Resent
from calling_pipeline.notifications.contracts.answering import keep as keep_contracts
from calling_pipeline.notifications.contracts.answering import resend as resend_contract
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox import decisions
from calling_pipeline.notifications.outbox.decisions import Decision
from calling_pipeline.notifications.outbox.records import Selection
from calling_pipeline.notifications.outboxes import OUTBOXES

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])
Operator = Annotated[Caller, Depends(requires("operator", "notifications"))]
Why = Annotated[Text, Field(min_length=1, max_length=500, description="kept with the messages and in the audit log")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Resend(_Body):
    """A contract to announce again."""

    contract_id: Short = Field(min_length=1)
    why: Why
    key: Short = Field("", description="names the order instead of its reason: the same order sends once")


class Keep(_Body):
    """Contracts set back to N that are not to be sent again; null: all that `questions` lists."""

    contract_ids: list[Short] | None = Field(..., max_length=1000)
    why: Text = Field("", max_length=500)


class RunWanted(_Body):
    """A run over ledgers. Look first with `dry_run`; then say how many messages you expect to be made."""

    ledger: Short | None = Field(None, description="path or name of a known ledger file; null: all of them")
    dry_run: bool = Field(False, description="only count what a run would do")
    expect: int | None = Field(None, ge=0, description="run if exactly so many messages would be made")


class _Choice(_Body):
    """Which messages: these ids, or all that fit. What many are decided about needs a dry run before, then `expect`."""

    box: Box = "contracts"
    ids: list[Id] | None = Field(None, min_length=1, max_length=1000)
    receiver: Short | None = Field(None, description="robot:GROUP or user:CONTACT")
    cause: Short | None = Field(None, description="as `held_groups` names it")
    dry_run: bool = Field(False, description="only count, and show the first of them")
    expect: int | None = Field(None, ge=1, description="do it if exactly so many fit")
    why: Why

    def selection(self, *states: Literal["unknown", "dead"]) -> Selection:
        """The messages meant."""
        return Selection(tuple(self.ids) if self.ids else None, states, self.receiver, self.cause)


class Redrive(_Choice):
    """Dead letters to send again, in their order."""

    per_minute: int = Field(60, ge=1, le=10_000, description="how many become due per minute, when many are chosen")


class Settle(_Choice):
    """What became of held messages."""

    settle_as: Literal["delivered", "retry", "abandoned"]
    state: Literal["unknown", "dead"] | None = None


@router.post("/run")
def run(runtime: RuntimeDep, wanted: RunWanted, caller: Operator) -> Success[answers.RunSeen | answers.RunBegun]:
    """Begin a run over ledgers, as `notify run` does it: generate, deliver what is due, write Y back.

    The answer comes before it is done: `GET /api/tasks/{task_id}` says how it ended. What a rate holds back is sent by the
    next delivery.
    """
    deps = NotificationDependencies.from_runtime(runtime)
    ledgers = starting.ledgers_of(deps, runtime.settings.contract_ledgers, wanted.ledger)
    if wanted.dry_run:
        seen = starting.prospect(deps, ledgers)
        return ok(answers.RunSeen.model_validate(seen, from_attributes=True))
    if wanted.expect is None:
        raise InvalidInput("look first with a dry run; then say how many messages you expect", field="expect")
    return ok(answers.RunBegun(task_id=starting.start(deps, ledgers, by=caller.name, expect=wanted.expect)))


@router.post("/resend")
def resend(runtime: RuntimeDep, wanted: Resend, caller: Operator) -> Success[Resent]:
    """Announce a contract again: new messages of its line as it stands, each linked to the one that it sends again."""
    deps = NotificationDependencies.from_runtime(runtime)
    names = Names(deps.robots, deps.users)
    with deps.transaction() as connection:
        done = resend_contract(
            connection, wanted.contract_id, deps.plan, names, why=wanted.why, by=caller.name, key=wanted.key
        )
    return ok(done)


@router.post("/keep")
def keep(runtime: RuntimeDep, wanted: Keep, caller: Operator) -> Success[answers.Kept]:
    """Answer that contracts set back to N are not to be sent again: writes Y back."""
    with runtime.transaction() as connection:
        return ok(answers.Kept(contracts=keep_contracts(connection, wanted.contract_ids, by=caller.name, why=wanted.why)))


@router.post("/redrive", response_model=Success[Described[answers.Decided]])
def redrive(runtime: RuntimeDep, wanted: Redrive, caller: Operator) -> object:
    """Send dead letters again. They were certainly not sent; what may have been is never redriven."""
    with runtime.transaction() as connection:
        done = decisions.redrive(
            connection,
            OUTBOXES[wanted.box],
            wanted.selection(),
            by=caller.name,
            why=wanted.why,
            per_minute=None if wanted.ids else wanted.per_minute,
            dry_run=wanted.dry_run,
            expect=wanted.expect,
        )
    return ok(_document(done))


@router.post("/settle", response_model=Success[Described[answers.Decided]])
def settle(runtime: RuntimeDep, wanted: Settle, caller: Operator) -> object:
    """Say what became of messages that are held, unknown or dead."""
    states = (wanted.state,) if wanted.state else ()
    with runtime.transaction() as connection:
        done = decisions.settle(
            connection,
            OUTBOXES[wanted.box],
            wanted.selection(*states),
            as_=settlement_of(wanted.settle_as),
            by=caller.name,
            why=wanted.why,
            dry_run=wanted.dry_run,
            expect=wanted.expect,
        )
    return ok(_document(done))


def _document(done: Decision) -> dict[str, Any]:
    sample = [views.message_document(message) for message in done.sample]
    return {**asdict(done), "messages": done.messages, "sample": sample}
