"""What `bench_stats_sync` lets compete, each run in a process of its own: `NAME DATABASE VENDOR DAY` → one JSON line."""

import asyncio
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from calling_pipeline.call_stats.dependencies import guanke_client

STARTED = time.time()
PAGE = 1000
IN_FLIGHT = 16


def ours(database: str, vendor: str, day: str) -> int:
    """The product: complete or nothing, masked, hashed, published."""
    from calling_pipeline import days
    from calling_pipeline.call_stats.sync.sync import sync_days
    from calling_pipeline.runtime import Runtime
    from calling_pipeline.settings import load

    runtime = Runtime(
        load(database_url=database, guanke_base_url=vendor, guanke_concurrency=IN_FLIGHT, secret_key="a key for benchmarks")
    )
    wanted = [days.parse_day(day)]
    key = runtime.phone_key
    (result,) = sync_days(runtime.engine, guanke_client(runtime), "grade", wanted, sync_type="manual", phone_key=key)
    return result.proof.distinct_ids


def bare(database: str, vendor: str, day: str) -> int:
    """Fetch, compiled decode, COPY into a temporary table, one upsert, one aggregate."""
    return asyncio.run(_bare(database, vendor, day))


_COLUMNS = (
    "id, called_at_s, call_state, duration_s, grade, agent_id, task_id, task_name, line, phone, reason, province, city"
)
_CREATE = """
    CREATE TABLE IF NOT EXISTS bare_records (id bigint PRIMARY KEY, called_at_s bigint, call_state smallint,
        duration_s integer, grade text, agent_id text, task_id text, task_name text, line text, phone text,
        reason text, province text, city text)
"""
_STAGE = "CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT * FROM bare_records WITH NO DATA"
_UPSERT = f"""
    INSERT INTO bare_records SELECT {_COLUMNS} FROM incoming
    ON CONFLICT (id) DO UPDATE SET grade = excluded.grade, call_state = excluded.call_state, duration_s = excluded.duration_s
"""
_AGGREGATE = """
    SELECT count(*), count(*) FILTER (WHERE grade ~ '(^|[^0-9])9元' OR grade = '9'),
        count(*) FILTER (WHERE grade ~ '(^|[^0-9])1元' OR grade = '1') FROM bare_records
"""


async def _bare(database: str, vendor: str, day: str) -> int:
    import psycopg

    with psycopg.connect(database) as connection:
        connection.execute(_CREATE)
        connection.execute(_STAGE)
        with connection.cursor() as cursor, cursor.copy(f"COPY incoming ({_COLUMNS}) FROM STDIN") as copy:
            async for records in _bare_pages(vendor, day):
                for r in records:
                    copy.write_row(
                        (
                            r.id, r.callTime, r.callState, r.duration, r.grade, r.userId, str(r.taskId), r.TaskName,
                            r.deviceName, r.realPhone or r.phone, r.hangupReason, r.province, r.city,
                        )
                    )  # fmt: skip
        connection.execute(_UPSERT)
        row = connection.execute(_AGGREGATE).fetchone()
    assert row is not None
    return int(row[0])


async def _bare_pages(vendor: str, day: str) -> AsyncIterator[list[Any]]:
    import httpx

    decoder = _bare_decoder()
    clients = [httpx.AsyncClient(timeout=30) for _ in range(IN_FLIGHT // 8)]
    token = (await clients[0].get(f"{vendor}/token", params={"username": "u", "password": "p"})).json()["data"]["token"]
    lane = itertools.cycle(clients)

    async def page(number: int) -> Any:
        query: dict[str, Any] = {
            "startTime": f"{day} 00:00:00",
            "endTime": f"{day} 23:59:59",
            "page": number,
            "pageSize": PAGE,
        }
        answer = await next(lane).get(f"{vendor}/task/cdr/all2", params=query, headers={"Authorization": token})
        return decoder.decode(answer.content).data

    first = await page(1)
    yield first.data
    numbers = iter(range(2, -(-first.totalCount // PAGE) + 1))
    flying = {asyncio.ensure_future(page(n)) for n in itertools.islice(numbers, IN_FLIGHT)}
    while flying:
        done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
        flying |= {asyncio.ensure_future(page(n)) for n in itertools.islice(numbers, len(done))}
        for task in done:
            yield task.result().data
    for client in clients:
        await client.aclose()


def _bare_decoder() -> Any:
    import msgspec

    class Record(msgspec.Struct):
        id: int
        callTime: int
        callState: int
        duration: int
        taskId: int
        TaskName: str
        phone: str
        deviceName: str
        hangupReason: str
        province: str
        city: str
        grade: str | None = None
        userId: str | None = None
        realPhone: str | None = None

    class Body(msgspec.Struct):
        data: list[Record]
        totalCount: int

    class Answer(msgspec.Struct):
        data: Body

    return msgspec.json.Decoder(Answer, strict=False)


def old_loop(database: str, vendor: str, day: str) -> int:
    """The old system: page after page, stdlib JSON, two counts, nothing stored."""
    import httpx

    nine = one = records = 0
    with httpx.Client(timeout=30) as client:
        token = client.get(f"{vendor}/token", params={"username": "u", "password": "p"}).json()["data"]["token"]
        for number in itertools.count(1):
            query: dict[str, Any] = {
                "startTime": f"{day} 00:00:00",
                "endTime": f"{day} 23:59:59",
                "page": number,
                "pageSize": PAGE,
            }
            answer = client.get(f"{vendor}/task/cdr/all2", params=query, headers={"Authorization": token})
            rows = json.loads(answer.content)["data"]["data"]
            for row in rows:
                grade = row.get("grade") or ""
                nine += "9元" in grade
                one += "1元" in grade
            records += len(rows)
            if len(rows) < PAGE or records >= 200_000:
                return records
    return 0


def dlt_merge(database: str, vendor: str, day: str) -> int:
    """The same day through dlt's merge into PostgreSQL."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt
    import httpx

    @dlt.resource(name="dlt_records", write_disposition="merge", primary_key="id")
    def rows() -> Iterator[list[dict[str, Any]]]:
        with httpx.Client(timeout=30) as client:
            token = client.get(f"{vendor}/token", params={"username": "u", "password": "p"}).json()["data"]["token"]
            for number in range(1, 201):
                query: dict[str, Any] = {
                    "startTime": f"{day} 00:00:00",
                    "endTime": f"{day} 23:59:59",
                    "page": number,
                    "pageSize": PAGE,
                }
                answer = client.get(f"{vendor}/task/cdr/all2", params=query, headers={"Authorization": token})
                yield [{**row, "id": int(row["id"])} for row in answer.json()["data"]["data"]]

    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=folder,
            destination=dlt.destinations.postgres(_with_host(database)),
            dataset_name="dlt_bench",
        )
        pipeline.run(rows())
        with pipeline.sql_client() as client:
            counted = client.execute_sql("SELECT count(*) FROM dlt_records")
        return int(counted[0][0])


def _with_host(database: str) -> str:
    """dlt insists on a host, a port and a password; libpq prefers the socket folder that the query names."""
    from sqlalchemy.engine import make_url

    url = make_url(database)
    given = url.set(host=url.host or "localhost", port=url.port or 5432, password=url.password or "none")
    return given.render_as_string(hide_password=False)


CONTENDERS: dict[str, Callable[[str, str, str], int]] = {
    "ours": ours,
    "bare": bare,
    "old_loop": old_loop,
    "dlt_merge": dlt_merge,
}


def main() -> None:
    """Run one contender and print its figures."""
    name, database, vendor, day = sys.argv[1:]
    _import_first(name)
    began, started_s = time.perf_counter(), time.time() - STARTED
    records = CONTENDERS[name](database, vendor, day)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "started_s": round(started_s, 2), "peak_mb": round(peak, 1), "records": records}))


def _import_first(name: str) -> None:
    """Process start is reported apart: what a contender imports is imported before its clock starts."""
    import importlib

    modules = {
        "ours": [
            "calling_pipeline.call_stats.sync.sync",
            "calling_pipeline.runtime",
            "calling_pipeline.vendors.guanke.client",
            "sqlalchemy.dialects.postgresql.psycopg",
            "psycopg",
            "anyio._backends._asyncio",
        ],
        "bare": ["httpx", "msgspec", "psycopg", "anyio._backends._asyncio"],
        "old_loop": ["httpx"],
        "dlt_merge": ["dlt", "httpx", "dlt.destinations"],
    }
    for module in modules[name]:
        importlib.import_module(module)


if __name__ == "__main__":
    main()
