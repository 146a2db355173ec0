"""Commits outcomes as they arrive, those that arrive together in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_batches.batches import alerting
from calling_pipeline.call_batches.calls import store as call_store
from calling_pipeline.call_batches.calls.records import Result
from calling_pipeline.call_batches.records import ROOM
from calling_pipeline.contact_policy import gate
from calling_pipeline.database.retry import LOST, Transactions

_log = logging.getLogger(__name__)

NOT_STORABLE = "the gateway's answer holds what cannot be stored; only the outcome is kept"
LINGER_S = 0.02
"""How long an outcome may wait for others that arrive in the same moment."""


class OutcomeWriter:
    """`run` writes until `finish`. `unwritten` counts outcomes that are not committed yet."""

    def __init__(self, database: Transactions, by: str, on_progress: Callable[[int], None]) -> None:
        self._database = database
        self._by = by
        self._on_progress = on_progress
        self._results: asyncio.Queue[Result | None] = asyncio.Queue()
        self.unwritten = 0

    def put(self, result: Result) -> None:
        """Have one outcome written."""
        self.unwritten += 1
        self._results.put_nowait(result)

    def finish(self) -> None:
        """Let `run` end when everything is written."""
        self._results.put_nowait(None)

    async def run(self) -> None:
        """Write what arrives. Raises what makes writing impossible."""
        last = False
        while not last:
            arrived = [await self._results.get()]
            await asyncio.sleep(LINGER_S)
            while not self._results.empty():
                arrived.append(self._results.get_nowait())
            results = [result for result in arrived if result is not None]
            last = len(results) < len(arrived)
            if results:
                await self._write(results)
                self.unwritten -= len(results)
                self._on_progress(sum(result.state != "pending" for result in results))

    async def _write(self, results: Sequence[Result]) -> None:
        """Commit outcomes. One that the database refuses keeps none of the others from being committed."""
        try:
            await self._database.until_committed(partial(_record, results=results, by=self._by))
        except LOST:
            raise
        except (sa.exc.SQLAlchemyError, ValueError) as error:  # ValueError: a text that has no UTF-8
            if len(results) == 1:
                await self._write_without_words(results[0], error)
                return
            half = len(results) // 2
            await self._write(results[:half])
            await self._write(results[half:])

    async def _write_without_words(self, result: Result, error: Exception) -> None:
        """Commit what is known of one call without the answer's own words, which the database refused.

        When that is refused too, the call stays as it was claimed, and is unknown in the end.
        """
        bare = replace(result, resp_code="", message=NOT_STORABLE, http_status=None)
        _log.error("the answer to call %s cannot be stored (%s)", result.call.distinct_id, type(error).__name__)
        try:
            await self._database.until_committed(partial(_record, results=[bare], by=self._by))
        except LOST:
            raise
        except (sa.exc.SQLAlchemyError, ValueError) as again:
            _log.error("nor can its outcome (%s)", type(again).__name__)
        await self._database.until_committed(partial(alerting.answer_not_stored, call_id=result.call.id))


def _record(connection: sa.Connection, results: Sequence[Result], by: str) -> None:
    certainly_not = call_store.record(connection, results, now=days.now(), by=by)
    gate.withdraw_many(connection, ROOM, certainly_not)
