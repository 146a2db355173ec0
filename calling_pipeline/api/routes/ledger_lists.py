"""Lists over the task ledger: tasks, usage by day and feature, refusals. One task and its saves are in `task_ledger.py`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from calling_pipeline import days
from calling_pipeline.access.caller import Caller
from calling_pipeline.api.auth import requires
from calling_pipeline.api.dependencies import Day, Limit, Offset, RuntimeDep, Short
from calling_pipeline.api.envelope import Success, ok
from calling_pipeline.task_ledger import ledger, store
from calling_pipeline.task_ledger.records import Account, Refusal, State, Task, Usage

router = APIRouter(prefix="/api/v1/ledger", tags=["task ledger"])
Viewer = Annotated[Caller, Depends(requires("viewer", "ledger"))]


@router.get("/tasks")
def list_tasks(
    runtime: RuntimeDep,
    caller: Viewer,
    feature: Annotated[Short | None, Query(description="only this feature")] = None,
    state: State | None = None,
    account: Annotated[Short | None, Query(description="only of this account")] = None,
    limit: Limit = 50,
) -> Success[list[Task]]:
    """The newest tasks."""
    with runtime.transaction() as connection:
        return ok(store.tasks(connection, feature=feature, state=state, account=account, limit=limit))


@router.get("/accounts")
def list_accounts(runtime: RuntimeDep, caller: Viewer, limit: Limit = 50, offset: Offset = 0) -> Success[list[Account]]:
    """Whose the tasks are, and what was charged for them: the account that was charged most first."""
    with runtime.transaction() as connection:
        return ok(store.accounts(connection, limit=limit, offset=offset))


@router.get("/accounts/{account:path}")
def show_account(account: str, runtime: RuntimeDep, caller: Viewer) -> Success[Account]:
    """One account with its balance: its tasks by state, and the credits that were charged."""
    with runtime.transaction() as connection:
        return ok(ledger.balance(connection, account))


@router.get("/usage")
def usage(
    runtime: RuntimeDep,
    caller: Viewer,
    first: Annotated[Day | None, Query(alias="from", description="first day; the last day without it")] = None,
    last: Annotated[Day | None, Query(alias="to", description="last day; today without it")] = None,
) -> Success[list[Usage]]:
    """Tasks and credits by day and feature, counted from the ledger as it is now."""
    until = last or days.today()
    since = first or until
    days.day_range(since, until)
    with runtime.transaction() as connection:
        return ok(ledger.count_usage(connection, since, until))


@router.get("/refusals")
def list_refusals(
    runtime: RuntimeDep,
    caller: Viewer,
    task_id: Annotated[Short | None, Query(description="only of this task")] = None,
    limit: Limit = 50,
) -> Success[list[Refusal]]:
    """Refused moves and refused charges, newest first."""
    with runtime.transaction() as connection:
        return ok(store.refusals(connection, task_id=task_id, limit=limit))
