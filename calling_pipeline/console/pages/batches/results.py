"""`/batches/{id}/results`: what became of each pushed call of a batch, by the source's own key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.calls.results import store as result_store
from calling_pipeline.call_batches.calls.results import views as result_views
from calling_pipeline.call_batches.calls.results.records import RESULTS, Result
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.batches.gathering import cards
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput

router = APIRouter()
Viewer = Annotated[View, Depends(viewing("viewer", "batches"))]
TONES = {"connected": "good", "not_connected": "warn", "not_dialled": "quiet", "waiting": "busy"}
COLUMNS: Sequence[Column[result_views.ResultDocument]] = (
    Column("row_key", lambda row: row["row_key"]),
    Column("source_row", lambda row: row["source_row"], number=True),
    Column("phone", lambda row: row["phone"]),
    Column("result", lambda row: State(f"batches.result_{row['result']}", TONES[row["result"]])),
    Column("order_yuan", lambda row: row["order_yuan"], number=True),
    Column("talk_s", lambda row: row["talk_s"], number=True),
    Column("pushed_at", lambda row: row["pushed_at"], wide=True),
    Column("called_at", lambda row: row["called_at"]),
    Column("agent_id", lambda row: row["agent_id"], wide=True),
    Column("hangup_reason", lambda row: row["hangup_reason"], wide=True),
    Column("province", lambda row: row["province"], wide=True),
    Column("call_id", lambda row: str(row["call_id"]), wide=True),
)


@router.get("/batches/{batch_id}/results")
def results(view: Viewer, batch_id: PathId) -> Response:
    """The pushed calls of a batch with their results; `result` narrows them."""
    wanted = asked(view.request)
    result = wanted.filters.get("result")
    if result is not None and result not in RESULTS:
        raise InvalidInput(f"there is no result {result[:20]!r}; there are: {', '.join(RESULTS)}", field="result")
    with view.transaction() as connection:
        (card,) = cards(view, connection, [batch_store.batch(connection, batch_id)])
    known = card.document["results"]
    total = known["pushed" if result is None else result]
    pages = _Pages(view, batch_id, result, total)
    found = listing(view, f"batch-{batch_id}-results", "batches", wanted, COLUMNS, pages.read)
    if isinstance(found, Response):
        return found
    choices = [("", view.t("batches.any")), *((one, view.t(f"batches.result_{one}")) for one in RESULTS)]
    return view.page("batches/results.html", rows=found, card=card, result=result, choices=choices)


class _Pages:
    """Reads results for a list; an export goes on behind the last row it read instead of counting from the first."""

    def __init__(self, view: View, batch_id: int, result: Result | None, total: int) -> None:
        self._view, self._batch_id, self._result, self._total = view, batch_id, result, total
        self._read, self._last = 0, 0

    def read(self, limit: int, offset: int) -> tuple[Sequence[result_views.ResultDocument], int | None]:
        """Results `offset` to `offset + limit`, and how many there are."""
        goes_on = offset == self._read
        with self._view.transaction() as connection:
            found = result_store.of_batch(
                connection,
                self._batch_id,
                result=self._result,
                after=self._last if goes_on else 0,
                limit=limit,
                offset=0 if goes_on else offset,
            )
        if found:
            self._read, self._last = offset + len(found), found[-1].source_row
        return [result_views.result_document(row) for row in found], self._total
