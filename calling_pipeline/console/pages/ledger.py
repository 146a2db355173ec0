"""`/ledger`: tasks by state, what they cost by day and feature, what was refused, and one task with its edit."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit_store
from calling_pipeline.access.audit.views import changes, span
from calling_pipeline.console.lists.asked import Asked, asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.subjects import address_of as address_of_subject
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.masking import mask_digits
from calling_pipeline.task_ledger import ledger, store
from calling_pipeline.task_ledger.records import MOVES, STATES, Account, Refusal, Task, TaskDetails, Usage
from calling_pipeline.task_ledger.records import State as TaskState

router = APIRouter(tags=["ledger"])
Viewer = Annotated[View, Depends(viewing("viewer", "ledger"))]
Operator = Annotated[View, Depends(viewing("operator", "ledger"))]
Word = Annotated[str, Form(max_length=500)]
COUNTED = 10_000
_ACTS = 20
_ACCOUNTS_S = 60
_MOST_ACCOUNTS = 1000
_MOST_DAYS = 92
_MOST_ACCOUNT_DAYS = 400
_WEEK, _MONTH = dt.timedelta(days=6), dt.timedelta(days=30)
_TONES = {"pending": "busy", "completed": "good", "failed": "bad"}
_ORDERS: Mapping[tuple[str, bool], store.Order] = {
    ("created", True): "newest",
    ("created", False): "oldest",
    ("task", False): "id",
    ("task", True): "id_down",
}
_OURS = re.compile(r"(?:batch|notify|sync|usage)[:_][0-9a-z:_-]+")
"""Ids that this product gives. Digits in a row within them are no telephone number."""


def id_shown(task_id: str) -> str:
    """A task's id as pages show it: one that came from outside may hold a number."""
    return task_id if _OURS.fullmatch(task_id) else mask_digits(task_id)


def _account(account: str) -> Link | str | None:
    """An account with the way to its tasks; one whose name holds a number is shown masked and stands in no address."""
    shown = mask_digits(account)
    return (Link(account, f"/ledger?account={quote(account)}") if shown == account else shown) if account else None


TASKS: Sequence[Column[Task]] = (
    Column("task", lambda task: Link(id_shown(task.task_id), address_of(task.task_id)), sorts=True),
    Column("feature", lambda task: task.feature or None),
    Column("account", lambda task: mask_digits(task.account) or None, wide=True),
    Column("state", lambda task: _state(task.state)),
    Column("credits", lambda task: task.credits, number=True),
    Column("charged", lambda task: task.charged, number=True),
    Column("created", lambda task: task.created_at, sorts=True),
    Column("updated", lambda task: task.updated_at, wide=True),
    Column("updated_by", lambda task: task.updated_by or None, wide=True),
)
ACCOUNTS: Sequence[Column[Account]] = (
    Column("account", lambda one: _account(one.account)),
    *(
        Column(name, attrgetter(name), number=True)
        for name in ("tasks", "pending", "completed", "failed", "charges", "credits")
    ),
    Column("last_charged", lambda one: one.last_charged_at, wide=True),
)
REFUSALS: Sequence[Column[Refusal]] = (
    Column("at", lambda one: one.refused_at),
    Column("task", lambda one: Link(id_shown(one.task_id), address_of(one.task_id))),
    Column("kind", lambda one: State(f"ledger.kind_{one.kind}", "warn")),
    Column("from_state", lambda one: _state(one.from_state)),
    Column("to_state", lambda one: _state(one.to_state)),
    Column("credits", lambda one: one.credits, number=True),
    Column("reason", lambda one: Sentence(one.reason), wide=True),
    Column("refused_by", lambda one: one.refused_by or None, wide=True),
)
USAGE: Sequence[Column[Usage]] = (
    Column("date", lambda one: one.date),
    Column("feature", lambda one: one.feature or None),
    *(
        Column(name, attrgetter(name), number=True)
        for name in ("created", "completed", "failed", "pending", "charges", "credits", "refusals")
    ),
)


def address_of(task_id: str) -> str:
    """The page of a task. Ids may hold anything, so they stand in the query."""
    return f"/ledger/task?id={quote(task_id, safe=':')}"


@router.get("/ledger")
def tasks(view: Viewer) -> Response:
    """Tasks, the newest first. `id` may end in `*`; `state`, `feature`, and days `from` and `to` narrow the list."""
    wanted = asked(view.request, sorts=("created", "task"), default_sort="-created")
    given = wanted.filters
    state = given.get("state")
    if state is not None and state not in STATES:
        raise InvalidInput(f"state {state[:40]!r} is none of {', '.join(STATES)}", field="state")
    since, until = span(given.get("from"), given.get("to"), names=("from", "to"))
    narrowed: dict[str, Any] = {
        "feature": given.get("feature"),
        "state": state,
        "task_id": given.get("id"),
        "account": given.get("account"),
        "since": since,
        "until": until,
    }

    def read(limit: int, offset: int) -> tuple[Sequence[Task], int | None]:
        with view.transaction() as connection:
            order = _ORDERS[wanted.sort, wanted.descending]
            rows = store.tasks(connection, **narrowed, order=order, limit=limit, offset=offset)
            total = store.count_tasks(connection, COUNTED + 1, **narrowed)
        return rows, total if total <= COUNTED else None

    found = listing(view, "ledger", "ledger", wanted, TASKS, read)
    if isinstance(found, Response):
        return found
    with view.transaction() as connection:
        features = store.features(connection)
    return view.page("ledger/tasks.html", tasks=found, states=STATES, features=features)


@router.get("/ledger/usage")
def usage(view: Viewer) -> Response:
    """Tasks and credits by day and feature, counted from the ledger as it is now; a week without `from` and `to`."""
    wanted = asked(view.request)
    first, last = _range(wanted)
    with view.transaction() as connection:
        rows = list(reversed(ledger.count_usage(connection, first, last)))

    def read(limit: int, offset: int) -> tuple[Sequence[Usage], int]:
        return rows[offset : offset + limit], len(rows)

    found = listing(view, "ledger_usage", "ledger", wanted, USAGE, read)
    if isinstance(found, Response):
        return found
    totals = {name: sum(getattr(row, name) for row in rows) for name in ("created", "charges", "credits", "refusals")}
    return view.page("ledger/usage.html", usage=found, first=first, last=last, totals=totals)


@router.get("/ledger/accounts")
def accounts(view: Viewer) -> Response:
    """Whose the tasks of some days are, and what was charged on them: 31 days without `from` and `to`.

    One account that is searched for without days is counted over all of them.
    """
    wanted = asked(view.request)
    name, page = wanted.filters.get("account"), wanted.form == "page"
    whole = name is not None and not wanted.filters.keys() & {"from", "to"}
    first, last = _range(wanted, usual=_MONTH, most=_MOST_ACCOUNT_DAYS)
    span = (days.day_bounds(first)[0], days.day_bounds(last)[1])
    counted = None
    if page and name is None:
        counted = view.shared(("ledger accounts", first, last), _ACCOUNTS_S, lambda: _counted(view, *span))

    def read(limit: int, offset: int) -> tuple[Sequence[Account], None]:
        if counted is not None and offset + limit <= _MOST_ACCOUNTS:
            return counted.rows[offset : offset + limit], None
        with view.transaction() as connection:
            if whole:
                return store.accounts(connection, account=name, limit=limit, offset=offset), None
            return store.accounts_between(connection, *span, account=name, limit=limit, offset=offset), None

    found = listing(view, "ledger_accounts", "ledger", wanted, ACCOUNTS, read)
    if isinstance(found, Response):
        return found
    at = counted.at if counted is not None else days.now()
    return view.page("ledger/accounts.html", accounts=found, at=at, whole=whole, first=first, last=last)


@dataclass(frozen=True)
class _Counted:
    """The first accounts as they were at a moment."""

    rows: Sequence[Account]
    at: dt.datetime


def _counted(view: View, first: dt.datetime, until: dt.datetime) -> _Counted:
    """The tasks of these days counted by account, for everybody who looks."""
    with view.transaction() as connection:
        return _Counted(store.accounts_between(connection, first, until, limit=_MOST_ACCOUNTS), days.now())


@router.get("/ledger/refusals")
def refusals(view: Viewer) -> Response:
    """Refused moves and refused charges, the newest first; of one task or one kind."""
    wanted = asked(view.request)
    given = wanted.filters

    def read(limit: int, offset: int) -> tuple[Sequence[Refusal], None]:
        with view.transaction() as connection:
            rows = store.refusals(connection, task_id=given.get("id"), kind=given.get("kind"), limit=limit, offset=offset)
        return rows, None

    found = listing(view, "ledger_refusals", "ledger", wanted, REFUSALS, read)
    return found if isinstance(found, Response) else view.page("ledger/refusals.html", refusals=found)


@router.get("/ledger/task")
def show(view: Viewer, id: str = "") -> Response:
    """One task: its values, details, refusals, and what people did to it."""
    with view.transaction() as connection:
        task = ledger.find(connection, id)
        refused = store.refusals(connection, task_id=task.task_id, limit=_ACTS)
        acts, _ = audit_store.entries(connection, subject=f"task:{task.task_id}", limit=_ACTS, count_up_to=1)
    return view.page(
        "ledger/task.html",
        task=task,
        shown_id=id_shown(task.task_id),
        account=_account(task.account),
        about=address_of_subject(view, task.task_id, None),
        state=_state(task.state),
        details={name: _written(value) for name, value in sorted(task.details.items())},
        refused=refused,
        acts=[(entry, changes(entry)) for entry in acts],
        edit=f"/ledger/edit?id={quote(task.task_id, safe=':')}",
        charge_is_odd=task.state == "completed" and not task.free and task.charged != task.credits,
    )


@router.get("/ledger/edit")
def ask_to_edit(view: Operator, id: str = "") -> Response:
    """The form that edits a task."""
    with view.transaction() as connection:
        task = ledger.find(connection, id)
    moves = [state for state in STATES if state in MOVES[task.state]]
    return view.page("ledger/edit.html", task=task, shown_id=id_shown(task.task_id), moves=moves)


@router.post("/ledger/edit")
def edit(
    view: Operator,
    id: Word = "",
    state: Word = "",
    credits: Word = "",
    free: Word = "",
    details: Annotated[str, Form(max_length=20_000)] = "",
    reason: Word = "",
) -> Response:
    """Move a task, or change what it costs and its details, with a reason. What is refused is kept as a refusal."""
    wanted = TaskDetails(
        task_id=id,
        feature="",
        state=cast(TaskState, state),
        credits=_credits(credits),
        free={"yes": True, "no": False}.get(free),
        details=_details(details),
        by=view.caller.name,
        reason=_reason(reason),
    )
    with view.transaction() as connection:
        ledger.find(connection, id)
        saved = ledger.save_task_details(connection, wanted)
    shown, back = id_shown(saved.task_id), address_of(saved.task_id)
    if saved.outcome == "refused" or (saved.outcome == "unchanged" and saved.charge == "refused"):
        raise Conflict(f"task {shown}: {saved.reason}")
    if saved.charge == "refused":
        reason = view.renderer.catalogue.say(saved.reason or "", view.language)
        return view.done("ledger.saved_not_charged", back=back, id=shown, reason=reason)
    key = "ledger.unchanged" if saved.outcome == "unchanged" else "ledger.saved"
    return view.done(key, back=back, id=shown)


def _state(state: TaskState) -> State:
    return State(f"ledger.state_{state}", _TONES[state])


def _range(wanted: Asked, *, usual: dt.timedelta = _WEEK, most: int = _MOST_DAYS) -> tuple[dt.date, dt.date]:
    given = wanted.filters
    last = days.parse_day(given["to"], field="to") if "to" in given else days.today()
    first = days.parse_day(given["from"], field="from") if "from" in given else last - usual
    if len(days.day_range(first, last)) > most:
        raise InvalidInput(f"usage is counted over at most {most} days at once", field="from")
    return first, last


def _credits(text: str) -> int | None:
    clean = text.strip()
    if not clean:
        return None
    if not clean.isascii() or not clean.isdigit() or len(clean) > 16:
        raise InvalidInput("credits must be a whole number, not negative", field="credits")
    return int(clean)


def _details(text: str) -> Mapping[str, Any]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("details must be a JSON object", field="details")
    return value


def _reason(text: str) -> str:
    if not text.strip():
        raise InvalidInput("say why: an edit of a task is kept with its reason", field="reason")
    return text


def _written(value: Any) -> str:
    return mask_digits(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
