"""Contract ledgers row by row: contracts by state, lines that cannot be used, and questions that a person answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from calling_pipeline.api.dependencies import Short, Text
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Link, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.notifications.parts import (
    HOME,
    Operator,
    Viewer,
    contract_address,
    dependencies,
    kind_shown,
    state_shown,
)
from calling_pipeline.console.views import View
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.notifications.contracts.answering import keep, resend
from calling_pipeline.notifications.contracts.composing import Names
from calling_pipeline.notifications.contracts.ledger_rows import key_of_contract
from calling_pipeline.notifications.contracts.records import ROW_STATES, Parked, Question
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.outbox.records import Selection
from calling_pipeline.notifications.outboxes import OUTBOXES

router = APIRouter(tags=["notifications"])
ParkedLine = tuple[str, dt.datetime, Parked]
_ROW_TONES = {"yes": "good", "waiting": "busy", "asked": "warn", "parked": "bad"}
_MESSAGES = 200
ROWS: Sequence[Column[Mapping[str, Any]]] = (
    Column("subject", lambda row: Link(row["contract_id"], contract_address(row["contract_id"]))),
    Column("ledger", lambda row: Path(row["csv_file"]).name),
    Column("line", lambda row: row["line"], number=True),
    Column("row_state", lambda row: row_state(row["state"])),
    Column("seen", lambda row: row["first_seen_at"], wide=True),
    Column("yes_since", lambda row: row["said_yes_at"], wide=True),
)
PARKED: Sequence[Column[ParkedLine]] = (
    Column("ledger", lambda line: Path(line[0]).name),
    Column("line", lambda line: line[2].line, number=True),
    Column(
        "subject",
        lambda line: Link(line[2].contract_id, contract_address(line[2].contract_id)) if line[2].contract_id else None,
    ),
    Column("reason", lambda line: Sentence(line[2].reason)),
    Column("what_to_do", lambda line: State(f"notifications.need_{line[2].needs}", "quiet")),
    Column("read", lambda line: line[1], wide=True),
)


def row_state(state: str) -> State:
    """A row's state with its colour."""
    return State(f"notifications.row_{state}", _ROW_TONES[state])


@router.get("/notifications/contracts")
def contracts(view: Viewer) -> Response:
    """Contracts of the ledgers, those first seen last at the top. Filters: `ledger` (a path), `state`, `contract`."""
    wanted = asked(view.request)
    given = wanted.filters
    wanted_state = given.get("state")
    state = next((one for one in ROW_STATES if one == wanted_state), None)
    if state != wanted_state:
        raise InvalidInput(f"no row is {str(wanted_state)[:40]}; states are {', '.join(ROW_STATES)}", field="state")
    contract_id = key_of_contract(given["contract"]) if "contract" in given else None

    def read(limit: int, offset: int) -> tuple[Sequence[Mapping[str, Any]], None]:
        with view.transaction() as connection:
            found = rows.contracts(
                connection,
                csv_file=given.get("ledger"),
                contract_id=contract_id,
                state=state,
                limit=limit,
                offset=offset,
            )
        return found, None

    found = listing(view, "contract-rows", "notifications", wanted, ROWS, read)
    if isinstance(found, Response):
        return found
    return view.page("notifications/contracts.html", contracts=found, ledgers=_ledgers(view), states=ROW_STATES)


@router.get("/notifications/contract")
def contract(view: Viewer, id: Annotated[Short, Query(min_length=1)]) -> Response:
    """One contract: its rows in the ledgers, the lines of it that cannot be used, and every message about it."""
    contract_id = key_of_contract(id)
    with view.transaction() as connection:
        seen = rows.contracts(connection, contract_id=contract_id, limit=100)
        messages = OUTBOXES["contracts"].selected(connection, Selection(subject=contract_id), limit=_MESSAGES)
        parked = [(csv_file, line) for csv_file, line in rows.parked(connection) if line.contract_id == contract_id]
    if not seen and not messages and not parked:
        raise NotFound(f"no ledger has a contract {contract_id!r}")
    return view.page(
        "notifications/contract.html",
        contract_id=contract_id,
        rows=[(row, row_state(row["state"])) for row in seen],
        parked=parked,
        messages=[(message, kind_shown(message.kind), state_shown(message.state)) for message in messages],
        asked=any(row["set_back_at"] is not None for row in seen),
    )


@router.get("/notifications/parked")
def parked(view: Viewer) -> Response:
    """Lines of which no message can be made, with the reason and what to do. Filter: `ledger` (a path)."""
    wanted = asked(view.request)

    def read(limit: int, offset: int) -> tuple[Sequence[ParkedLine], None]:
        with view.transaction() as connection:
            return rows.parked_lines(connection, wanted.filters.get("ledger"), limit=limit, offset=offset), None

    found = listing(view, "parked-lines", "notifications", wanted, PARKED, read)
    return (
        found if isinstance(found, Response) else view.page("notifications/parked.html", lines=found, ledgers=_ledgers(view))
    )


@router.get("/notifications/questions")
def questions(view: Viewer) -> Response:
    """Contracts set back to N, which wait for an answer, and contracts whose lines contradict each other."""
    with view.transaction() as connection:
        asked_about = rows.questions(connection)
        lines = [(csv_file, line) for csv_file, line in rows.parked(connection) if line.contradicts]
    contradictions = {(csv_file, line.contract_id): line for csv_file, line in reversed(lines)}
    return view.page(
        "notifications/questions.html",
        questions=[(question, [kind_shown(kind) for kind in question.delivered]) for question in asked_about],
        contradictions=[(csv_file, line) for (csv_file, _), line in reversed(contradictions.items())],
        contract_address=contract_address,
    )


@router.get("/notifications/resend")
def ask_resend(view: Operator, id: Annotated[Short, Query()] = "") -> Response:
    """What was sent about a contract before it is announced again."""
    contract_id = key_of_contract(id)
    with view.transaction() as connection:
        before = OUTBOXES["contracts"].selected(connection, Selection(subject=contract_id), limit=_MESSAGES) if id else []
    shown = [(message, kind_shown(message.kind), state_shown(message.state)) for message in before]
    return view.page("notifications/resend.html", contract_id=contract_id, messages=shown)


@router.post("/notifications/resend")
def resend_contract(
    view: Operator, id: Annotated[Short, Form(min_length=1)], reason: Annotated[Text, Form(min_length=1, max_length=500)]
) -> Response:
    """Announce a contract again, as its line stands now. The same reason given again sends nothing again."""
    deps = dependencies(view)
    with deps.transaction() as connection:
        names = Names(deps.robots, deps.users)
        done = resend(connection, id, deps.plan, names, why=reason, by=view.caller.name)
    address = contract_address(done.contract_id)
    numbers = ", ".join(map(str, done.messages))
    if done.already:
        return view.done("notifications.resent_before", back=address, contract=done.contract_id, messages=numbers)
    return view.done("notifications.resent", back=address, contract=done.contract_id, messages=numbers)


@router.get("/notifications/keep")
def ask_keep(view: Operator, id: Annotated[Short, Query()] = "") -> Response:
    """Which contracts would say Y again: one, or all that are asked about."""
    return view.page("notifications/keep.html", contract_id=key_of_contract(id), questions=_asked_about(view, id))


@router.post("/notifications/keep")
def keep_contracts(
    view: Operator,
    expect: Annotated[int, Form(ge=1)],
    id: Annotated[Short, Form()] = "",
    reason: Annotated[Text, Form(max_length=500)] = "",
) -> Response:
    """Answer that contracts set back to N are not announced again: Y is written back."""
    ids = [question.contract_id for question in _asked_about(view, id)]
    if len(set(ids)) != expect:
        raise Conflict(f"{len(set(ids))} contracts are asked about now, not {expect}; look again")
    with view.transaction() as connection:
        done = keep(connection, sorted(set(ids)), by=view.caller.name, why=reason)
    return view.done("notifications.kept", back=f"{HOME['contracts']}/questions", n=len(done))


def _asked_about(view: View, wanted: str) -> list[Question]:
    contract_id = key_of_contract(wanted)
    with view.transaction() as connection:
        found = rows.questions(connection)
    return [question for question in found if question.contract_id == contract_id] if wanted else found


def _ledgers(view: View) -> list[tuple[str, str]]:
    with view.transaction() as connection:
        return [(csv_file, Path(csv_file).name) for csv_file in rows.ledgers(connection)]
