"""One scrape for everybody who asks at the same time, read part by part: what fails says so, the others stay."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline import measures
from calling_pipeline.database.engine import SESSION_OPTIONS, make_engine, reachable
from calling_pipeline.errors import CallingError
from calling_pipeline.metrics.families import SCRAPE_ERROR, SCRAPE_SECONDS
from calling_pipeline.metrics.parts import parts
from calling_pipeline.metrics.records import Part, Sample
from calling_pipeline.runtime import Runtime

SHARED_S = 1.0
"""A scrape is served again for so long: several Prometheus servers cost what one does."""
STATEMENT_S = 5
"""A statement of a scrape ends after so many seconds: its part is missing then."""


class Scraper:
    """Reads what `/metrics` serves. It holds one connection to each database, once it was asked."""

    def __init__(self, runtime: Runtime, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._runtime, self._clock = runtime, clock
        self._turn = threading.Lock()
        self._parts = parts(runtime.settings.partition_start, self.centre)
        self._read_at: dict[str, float] = {}
        self._kept: dict[str, Sequence[Sample]] = {}
        self._newest: tuple[float, Sequence[Sample]] | None = None
        self._engines: dict[bool, sa.Engine] = {}

    @property
    def centre(self) -> str:
        """The label that all numbers have; empty where the installation is no centre of several."""
        return self._runtime.settings.centre

    def samples(self) -> Sequence[Sample]:
        """Every number, at most `SHARED_S` old. Raises nothing: `calling_scrape_error` says what could not be read."""
        with self._turn:
            if self._newest is None or self._clock() - self._newest[0] >= SHARED_S:
                measures.write()
                with _Connections(self._engine) as connections:
                    found = [sample for part in self._parts for sample in self._read(part, connections)]
                self._newest = (self._clock(), found)
            return self._newest[1]

    def close(self) -> None:
        """Give the connections back."""
        with self._turn:
            for engine in self._engines.values():
                engine.dispose()

    def _read(self, part: Part, connections: _Connections) -> Sequence[Sample]:
        begun = time.perf_counter()
        try:
            if not part.seconds or self._clock() - self._read_at.get(part.name, -part.seconds) >= part.seconds:
                self._kept[part.name] = part.read(connections.to(of_dagster=part.of_dagster))
                self._read_at[part.name] = self._clock()
            samples, failed = self._kept[part.name], 0
        except (CallingError, SQLAlchemyError, OSError):
            samples, failed = (), 1
        took = Sample(SCRAPE_SECONDS, (part.name,), time.perf_counter() - begun)
        return [*samples, Sample(SCRAPE_ERROR, (part.name,), failed), took]

    def _engine(self, *, of_dagster: bool) -> sa.Engine:
        if of_dagster not in self._engines:
            runtime = self._runtime
            self._engines[of_dagster] = make_engine(
                runtime.existing_dagster_url if of_dagster else runtime.direct_url,  # no pooler: its sessions keep no limit
                pool_size=1,
                max_overflow=0,
                application="calling_pipeline metrics",
                options=f"{SESSION_OPTIONS} -c statement_timeout={STATEMENT_S}s",
            )
        return self._engines[of_dagster]


class _Connections(ExitStack):
    """The connections of one scrape.

    Each statement is a transaction of its own: one that fails leaves the next alone, and none costs a journey to the server
    to begin and another to end.
    """

    def __init__(self, engine: Callable[..., sa.Engine]) -> None:
        super().__init__()
        self._engine = engine
        self._open: dict[bool, sa.Connection] = {}

    def to(self, *, of_dagster: bool) -> sa.Connection:
        """The connection to a database; a new one after it was lost. Raises what `reachable` raises."""
        found = self._open.get(of_dagster)
        if found is None or found.invalidated:
            found = self.enter_context(reachable(self._engine(of_dagster=of_dagster)))
            found.execution_options(isolation_level="AUTOCOMMIT")
            self._open[of_dagster] = found
        return found
