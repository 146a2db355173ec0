"""The contenders of the allocation benchmark, and how they are timed.

They are the bare statement, the old system's ORM pattern and a job queue's claim.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg_pool import ConnectionPool
from sqlalchemy.engine import URL
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from calling_pipeline.database.engine import driver_dsn, make_engine

CONNECTIONS = 16
LINES = COLLECTORS = 100
ROUND_S = 2.0
Pair = Callable[[Any, int], float | None]
"""Allocates to a collector and releases; seconds the allocation took, None when there was none."""

BARE = """
    UPDATE bare SET state = 'in_use', holder = %(holder)s
    WHERE id = (SELECT id FROM bare WHERE state = 'available' ORDER BY used LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""
BARE_RELEASE = "UPDATE bare SET state = 'available', holder = NULL, used = clock_timestamp() WHERE id = %(id)s"
FETCH = "SELECT id FROM procrastinate_fetch_job_v2(NULL, %(worker)s)"
FINISH = "SELECT procrastinate_finish_job_v1(%(id)s, 'succeeded', false)"


def measure(url: URL, pair: Pair, *, seconds: float = ROUND_S) -> tuple[float, list[float]]:
    """Pairs per second of sixteen sessions that serve a hundred collectors in turn, and the seconds each first half took."""

    def act(worker: int, stop: threading.Event, taken: list[float]) -> None:
        with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
            share = range(worker + 1, COLLECTORS + 1, CONNECTIONS)
            for turn in itertools.count():
                if stop.is_set():
                    return
                spent = pair(connection, share[turn % len(share)])
                if spent is not None:
                    taken.append(spent)

    return _at_once(CONNECTIONS, act, seconds)


def measure_shared(
    url: URL, pair: Pair, *, seconds: float = ROUND_S, brings_its_pool: bool = False
) -> tuple[float, list[float]]:
    """The same of a hundred collectors at once who share sixteen sessions; waiting for one counts."""
    if brings_its_pool:
        return _at_once(COLLECTORS, lambda collector, stop, taken: _serve(pair, None, collector, stop, taken), seconds)
    options = {"autocommit": True}
    with ConnectionPool(driver_dsn(url), min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs=options, timeout=60) as pool:
        pool.wait()
        return _at_once(COLLECTORS, lambda collector, stop, taken: _serve(pair, pool, collector, stop, taken), seconds)


def _serve(pair: Pair, pool: ConnectionPool[Any] | None, collector: int, stop: threading.Event, taken: list[float]) -> None:
    while not stop.is_set():
        asked = time.perf_counter()
        with pool.connection() if pool else nullcontext() as connection:
            waited = time.perf_counter() - asked
            spent = pair(connection, collector + 1)
        if spent is not None:
            taken.append(waited + spent)


def _at_once(
    count: int, act: Callable[[int, threading.Event, list[float]], None], seconds: float
) -> tuple[float, list[float]]:
    """Run `act` in `count` threads; what they measured: how many per second, and each."""
    taken: list[list[float]] = [[] for _ in range(count)]
    ready, stop = threading.Barrier(count + 1), threading.Event()

    def work(number: int) -> None:
        ready.wait()
        act(number, stop, taken[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    begun = time.perf_counter()
    time.sleep(seconds)
    counted = [spent for one in taken for spent in one]
    took = time.perf_counter() - begun
    stop.set()
    for thread in threads:
        thread.join()
    return len(counted) / took, counted


def bare_pair(connection: Any, collector: int) -> float | None:
    """The least that an allocation can be: one statement to take a free line, one to give it back."""
    begun = time.perf_counter()
    row = connection.execute(BARE, {"holder": collector}, prepare=True).fetchone()
    spent = time.perf_counter() - begun
    if row is None:
        return None
    connection.execute(BARE_RELEASE, {"id": row[0]}, prepare=True)
    return spent


class _Base(DeclarativeBase):
    pass


class _Line(_Base):
    __tablename__ = "orm_lines"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    state: Mapped[str]
    holder: Mapped[int | None] = mapped_column(sa.BigInteger)
    used: Mapped[Any] = mapped_column(sa.DateTime(timezone=True))


def orm_pair(url: URL) -> Pair:
    """The old system's way: select for update, change, commit, refresh; and the same to give back. A deadlock among its
    sessions (the order is not that of the ids) is an error to its caller, who asks again; that turn does not count."""
    engine = make_engine(url, pool_size=CONNECTIONS, max_overflow=0)
    free = sa.select(_Line).where(_Line.state == "available").order_by(_Line.used).limit(1).with_for_update()

    def pair(_: Any, collector: int) -> float | None:
        with Session(engine) as session:
            begun = time.perf_counter()
            try:
                line = session.scalars(free).first()
            except sa.exc.OperationalError:
                line = None
            if line is None:
                session.rollback()
                return None
            line.state, line.holder = "in_use", collector
            session.commit()
            session.refresh(line)
            spent = time.perf_counter() - begun
            line.state, line.holder, line.used = "available", None, sa.func.clock_timestamp()
            session.commit()
            session.refresh(line)
        return spent

    return pair


def prepare_jobs(url: URL) -> None:
    """procrastinate's own schema, and more jobs than will be claimed."""
    import procrastinate

    schema = (Path(procrastinate.__file__).parent / "sql" / "schema.sql").read_text()
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        connection.execute(schema)
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) SELECT 'calls', 'call' FROM generate_series(1, 20000)"
        )


def claim_pair(url: URL) -> Pair:
    """A claim and its end by procrastinate's own statements."""
    with psycopg.connect(driver_dsn(url), autocommit=True) as connection:
        row = connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id").fetchone()
        assert row is not None
        worker = row[0]

    def pair(connection: Any, _: int) -> float | None:
        begun = time.perf_counter()
        row = connection.execute(FETCH, {"worker": worker}, prepare=True).fetchone()
        spent = time.perf_counter() - begun
        if row is None or row[0] is None:
            return None
        connection.execute(FINISH, {"id": row[0]}, prepare=True)
        return spent

    return pair
