"""`/batches/{id}`: one batch, what it is doing now, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast, get_args

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from calling_pipeline.api.dependencies import PathId
from calling_pipeline.call_batches.batches import store as batch_store
from calling_pipeline.call_batches.batches import views as batch_views
from calling_pipeline.call_batches.calling_tasks.redials.records import REDIAL_SAID
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.rows import store as row_store
from calling_pipeline.call_batches.calls.rows import views as row_views
from calling_pipeline.call_batches.records import REASONS, CallState
from calling_pipeline.console.lists.asked import asked
from calling_pipeline.console.lists.columns import Column, Sentence, State
from calling_pipeline.console.lists.listing import listing
from calling_pipeline.console.pages.batches.gathering import Card, cards
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput

router = APIRouter()
Viewer = Annotated[View, Depends(viewing("viewer", "batches"))]
LIVE_S = 3
MOST_UNKNOWN = 100
COUNTED_S = 5.0
CALL_STATES: tuple[str, ...] = get_args(CallState)
CALL_TONES = {
    "pending": "quiet", "pushing": "busy", "pushed": "good", "refused": "warn", "failed": "bad", "unknown": "bad",
    "skipped": "quiet",
}  # fmt: skip
COLUMNS: Sequence[Column[row_views.RowDocument]] = (
    Column("source_row", lambda row: row["source_row"], number=True),
    Column("row_key", lambda row: row["row_key"], wide=True),
    Column("phone", lambda row: row["phone"]),
    Column("call_state", lambda row: State(f"batches.call_{row['state']}", CALL_TONES[row["state"]])),
    Column("reason", lambda row: Sentence(row["said"]) if row["said"] else None),
    Column("redial", lambda row: Sentence(REDIAL_SAID[row["redial"]]) if row["redial"] else None, wide=True),
    Column("code", lambda row: row["code"]),
    Column("attempts", lambda row: row["attempts"], number=True, wide=True),
    Column("claimed_at", lambda row: row["claimed_at"], wide=True),
    Column("call_id", lambda row: str(row["call_id"]), wide=True),
    Column("distinct_id", lambda row: row["distinct_id"], wide=True),
)


@router.get("/batches/{batch_id}")
def show(view: Viewer, batch_id: PathId) -> Response:
    """One batch: its card reconciled, what it is doing, and its unknown calls."""
    with view.transaction() as connection:
        batch = batch_store.batch(connection, batch_id)
        (card,) = cards(view, connection, [batch])
        unknown = call_store.unknown_calls(connection, batch_id=batch_id, limit=MOST_UNKNOWN) if card.unknown else []
        refused = call_store.count_account_refusals(connection, batch_id)
    calls = [batch_views.unknown_document(call) for call in unknown]
    return view.page("batches/batch.html", card=card, batch=batch, calls=calls, refused=refused, live_s=LIVE_S)


@router.get("/batches/{batch_id}/live")
def live(view: Viewer, batch_id: PathId) -> Response:
    """The part of the page that changes while the batch runs; read once for all who look."""

    def read() -> tuple[Card, int]:
        with view.transaction() as connection:
            (card,) = cards(view, connection, [batch_store.batch(connection, batch_id)])
            return card, call_store.count_account_refusals(connection, batch_id)

    card, refused = view.shared(("batch", batch_id), LIVE_S - 1, read)
    return view.page("batches/batch_live.html", card=card, refused=refused, live_s=LIVE_S)


@router.get("/batches/{batch_id}/rows")
def rows(view: Viewer, batch_id: PathId) -> Response:
    """The rows of a batch with what became of them; `state` and `reason` narrow them."""
    wanted = asked(view.request)
    state, reason = wanted.filters.get("state"), wanted.filters.get("reason")
    if state is not None and state not in CALL_STATES:
        raise InvalidInput(f"there is no state {state[:20]!r} of a call; there are: {', '.join(CALL_STATES)}", field="state")
    if reason is not None and reason not in REASONS:
        raise InvalidInput(f"there is no reason {reason[:30]!r}; there are: {', '.join(REASONS)}", field="reason")
    with view.transaction() as connection:
        batch = batch_store.batch(connection, batch_id)
    pages = _Pages(view, batch_id, cast(CallState | None, state), reason, counted=wanted.form == "page")
    found = listing(view, f"batch-{batch_id}", "batches", wanted, COLUMNS, pages.read)
    if isinstance(found, Response):
        return found
    say = view.renderer.catalogue.say
    return view.page(
        "batches/rows.html",
        rows=found,
        batch=batch,
        state=state,
        reason=reason,
        state_choices=[("", view.t("batches.any")), *((one, view.t(f"batches.call_{one}")) for one in CALL_STATES)],
        reason_choices=[("", view.t("batches.any")), *((one, say(text, view.language)) for one, text in REASONS.items())],
    )


class _Pages:
    """Reads a batch's rows for a list; an export goes on behind the last row it read instead of counting from the first."""

    def __init__(self, view: View, batch_id: int, state: CallState | None, reason: str | None, *, counted: bool) -> None:
        self._view, self._batch_id, self._counted = view, batch_id, counted
        self._narrowed: dict[str, Any] = {"state": state, "reason": reason}
        self._read, self._last = 0, 0

    def read(self, limit: int, offset: int) -> tuple[Sequence[row_views.RowDocument], int | None]:
        """Rows `offset` to `offset + limit`, and how many there are where they are counted."""
        behind = self._last if offset == self._read else 0
        with self._view.transaction() as connection:
            found = row_store.of_batch(
                connection,
                self._batch_id,
                **self._narrowed,
                after=behind,
                limit=limit,
                offset=0 if offset == self._read else offset,
            )
            total = self._total(connection) if self._counted else None
        if found:
            self._read, self._last = offset + len(found), found[-1].source_row
        return [row_views.row_document(row) for row in found], total

    def _total(self, connection: sa.Connection) -> int:
        """Counted once for all who turn the pages."""
        key = ("rows", self._batch_id, *self._narrowed.values())
        return self._view.shared(
            key, COUNTED_S, lambda: row_store.count_of_batch(connection, self._batch_id, **self._narrowed)
        )
