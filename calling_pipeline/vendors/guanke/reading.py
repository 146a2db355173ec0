"""Reads every page of one window, complete or not at all. It knows pages and keys, not what the records mean."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import compress
from typing import Generic, TypeVar

import msgspec

from calling_pipeline.errors import ContractBreach, IncompleteFetch
from calling_pipeline.vendors.guanke.records import CALLS, VENDOR, FieldCensus, Page
from calling_pipeline.vendors.guanke.seen import SeenKeys

T = TypeVar("T", bound=msgspec.Struct)
REPAIRS = 4
"""How often a reading that disagrees with the vendor's total is repaired before it fails."""


@dataclass
class ReadSummary:
    """What was read and what the vendor reported. Complete exactly when `distinct == reported`."""

    reported: int = 0
    fetched: int = 0
    distinct: int = 0
    pages: int = 0
    pages_read_again: int = 0
    retries: int = 0
    elapsed_s: float = 0.0
    new_fields: Counter[str] = field(default_factory=Counter)
    missing_fields: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: ReadSummary) -> ReadSummary:
        """Both windows together."""
        return ReadSummary(
            self.reported + other.reported,
            self.fetched + other.fetched,
            self.distinct + other.distinct,
            self.pages + other.pages,
            self.pages_read_again + other.pages_read_again,
            self.retries + other.retries,
            self.elapsed_s + other.elapsed_s,
            self.new_fields + other.new_fields,
            self.missing_fields + other.missing_fields,
        )


class Reading(Generic[T]):
    """`async for records in reading.pages()` yields the records page by page, each key once, in the order they arrive.

    At most `concurrency` pages are in flight or waiting, so memory does not grow with the window. When the distinct keys
    do not reach the vendor's total, pages that drifted are read again, then all; when they still disagree the iteration
    ends with `IncompleteFetch`. `summary` is final after the last record.
    """

    def __init__(
        self,
        endpoint: str,
        fetch: Callable[[int, FieldCensus], Awaitable[Page[T]]],
        *,
        key: str,
        page_size: int,
        concurrency: int,
        retries: Callable[[], int] = lambda: 0,
    ) -> None:
        self.summary = ReadSummary()
        self.pages_expected = 1
        self._endpoint = endpoint
        self._fetch = fetch
        self._key = key
        self._page_size = page_size
        self._concurrency = concurrency
        self._retries = retries
        self._seen = SeenKeys()
        self._drifted: set[int] = set()
        self._read: set[int] = set()
        self._newest_request = 1
        self._newest_total_from = 0

    async def pages(self) -> AsyncGenerator[list[T], None]:
        began, retries_before, census = time.perf_counter(), self._retries(), FieldCensus()
        self.summary.new_fields, self.summary.missing_fields = census.new, census.missing
        first = await self._fetch(1, census)
        yield self._take(first, 1)
        async with aclosing(self._pages(range(2, self._page_count() + 1), census)) as pages:
            async for records in pages:
                yield records
        for repair in range(REPAIRS):
            if len(self._seen) == self.summary.reported:
                break
            for numbers in await self._again(repair):
                async with aclosing(self._pages(numbers, census, again=True)) as pages:
                    async for records in pages:
                        yield records
        self.summary.distinct = len(self._seen)
        self.summary.retries = self._retries() - retries_before
        self.summary.elapsed_s = time.perf_counter() - began
        self._require_complete()

    async def _again(self, repair: int) -> list[Iterable[int]]:
        """Page ranges to read again: first those that drifted and their neighbours, then every page."""
        last = self._page_count()
        if repair == 0 and self._drifted:
            near = {page + step for page in self._drifted for step in (-1, 0, 1)} | {1, last}
            unread = set(range(1, last + 1)) - self._read
            return [sorted(page for page in near | unread if 1 <= page <= last)]
        await asyncio.sleep(0.05 * repair)
        return [range(1, last + 1)]

    async def _pages(
        self, numbers: Iterable[int], census: FieldCensus, *, again: bool = False
    ) -> AsyncGenerator[list[T], None]:
        waiting = iter(numbers)
        flying: dict[asyncio.Task[Page[T]], int] = {}
        try:
            while True:
                while len(flying) < self._concurrency and (number := next(waiting, None)) is not None:
                    self._newest_request += 1
                    flying[asyncio.ensure_future(self._fetch(number, census))] = self._newest_request
                if not flying:
                    return
                done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    order = flying.pop(task)
                    self.summary.pages_read_again += again
                    yield self._take(task.result(), order)
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    def _take(self, page: Page[T], order: int) -> list[T]:
        """The page's records not seen before; keeps its total and whether it drifted."""
        summary, key = self.summary, self._key
        if order >= self._newest_total_from:
            self._newest_total_from, summary.reported = order, page.total
        self._read.add(page.number)
        summary.pages += 1
        summary.fetched += len(page.records)
        self.pages_expected = max(self.pages_expected, self._page_count())
        news = self._seen.take([getattr(record, key) for record in page.records])
        fresh = list(compress(page.records, news))
        expected = min(self._page_size, max(0, page.total - (page.number - 1) * self._page_size))
        if len(fresh) < len(page.records) or len(page.records) != expected:
            self._drifted.add(page.number)
        return fresh

    def _page_count(self) -> int:
        return max(1, -(-self.summary.reported // self._page_size))

    def _require_complete(self) -> None:
        summary = self.summary
        if summary.distinct == summary.reported:
            return
        by = summary.reported - summary.distinct
        raise IncompleteFetch(
            f"Guanke {self._endpoint} reports {summary.reported} records and {summary.distinct} different ones could be read"
            f" ({abs(by)} {'missing' if by > 0 else 'too many'}, {summary.pages_read_again} pages read again)",
            vendor=VENDOR,
            endpoint=self._endpoint,
            fetched=summary.distinct,
            reported=summary.reported,
        )


def require_call_field(read: ReadSummary, name: str, *, of: str) -> None:
    """Raise `ContractBreach` when not one call record carried the field `name`; `of` says how many of which day.

    Without its grades a day would be taken for a day without orders.
    """
    if read.fetched and read.missing_fields[name] >= read.fetched:
        raise ContractBreach(
            f"Guanke {CALLS} left the field {name} out of all {of}",
            vendor=VENDOR,
            endpoint=CALLS,
        )
