"""`/telephony/cases`: the cases of all collectors, for operators, and their import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Form, Query, UploadFile
from fastapi.responses import Response

from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.desk.typed import number_in
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.desk.cases import importing, store
from calling_pipeline.telephony.desk.cases.records import CASE_STATES, Case, CaseFilter, CaseState

router = APIRouter(tags=["cases"])
Operator = Annotated[View, Depends(viewing("operator", "telephony"))]
Tenant = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
_SHOWN_ROWS = 500
COLUMNS: Sequence[Column[Case]] = (
    Column("id", lambda case: case.id, number=True),
    Column("collector", lambda case: case.collector_id, sorts=True, number=True),
    Column("customer", lambda case: case.customer_name or None),
    Column("phone", lambda case: case.phone_masked),
    Column("state", lambda case: State(f"cases.state_{case.state}", "busy" if case.state == "open" else "good")),
    Column("result", lambda case: State(f"desk.result_{case.result}") if case.result else None),
    Column("calls", lambda case: case.calls, sorts=True, number=True),
    Column("next_call_at", lambda case: case.next_call_at, sorts=True),
    Column("note", lambda case: case.note or None, wide=True),
    Column("remark", lambda case: case.remark or None, wide=True),
    Column("updated_at", lambda case: case.updated_at, sorts=True, wide=True),
)


@router.get("/telephony/cases")
def cases(view: Operator) -> Response:
    """The cases by tenant, collector and state."""
    wanted = asked(view.request, sorts=tuple(column.key for column in COLUMNS if column.sorts), default_sort="-updated_at")
    given = wanted.filters
    state = given.get("state")
    if state is not None and state not in CASE_STATES:
        raise InvalidInput(f"state is one of {', '.join(get_args(CaseState))}", field="state")
    chosen = CaseFilter(view.caller.scope(number_in(given, "tenant")), number_in(given, "collector"), state)

    def read(limit: int, offset: int) -> tuple[Sequence[Case], int]:
        with view.transaction() as connection:
            return store.page(connection, chosen, sort=wanted.sort, descending=wanted.descending, limit=limit, offset=offset)

    found = listing(view, "cases", "cases", wanted, COLUMNS, read)
    if isinstance(found, Response):
        return found
    return view.page("cases/cases.html", cases=found, states=CASE_STATES, of_all_tenants=view.caller.tenant is None)


@router.get("/telephony/cases/import")
def ask_import(view: Operator, tenant: Tenant = None) -> Response:
    """The form of an import."""
    return view.page("cases/import.html", of_all_tenants=view.caller.tenant is None, tenant=tenant)


@router.post("/telephony/cases/import")
def import_cases(
    view: Operator,
    tenant: Annotated[int | None, Form(ge=1, le=2**63 - 1)] = None,
    text: Annotated[str, Form(max_length=2_000_000)] = "",
    file: UploadFile | None = None,
) -> Response:
    """Add what was pasted or uploaded; the answer is the verdict of every row."""
    runtime = view.runtime
    given = text if text.strip() else _decoded(file.file.read() if file is not None else b"")
    with view.transaction() as connection:
        rows = importing.bulk_import(
            connection, runtime.secrets, runtime.phone_keys, view.caller.own_tenant(tenant), given, who=view.caller.name
        )
    counts = Counter(row.result for row in rows)
    return view.page("cases/imported.html", rows=rows[:_SHOWN_ROWS], total=len(rows), counts=counts)


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput("the file is neither UTF-8 nor GB18030 text", field="file")
