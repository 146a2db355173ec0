"""The two servers `bench_reading` compares with: one bare query behind ASGI, and Flask with an ORM as the old system had."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import Any
from urllib.parse import parse_qs

from psycopg_pool import AsyncConnectionPool
from sqlalchemy import BigInteger, Date, DateTime, Double, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

_QUERY = """SELECT date::text, grade_9, grade_1, total_success, total_records, calculated_at::text, elapsed_time, sync_type
            FROM grade_stats_cache WHERE date = %s"""
_pool: AsyncConnectionPool | None = None


async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One query, one JSON answer, nothing checked."""
    global _pool
    if scope["type"] == "lifespan":
        _pool = AsyncConnectionPool(
            os.environ["CALLING_DATABASE_URL"], min_size=2, max_size=16, open=False, kwargs={"autocommit": True}
        )
        await receive()
        await _pool.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    assert _pool is not None
    body = b"{}"
    query = parse_qs(scope["query_string"].decode())
    if "date" in query:
        async with _pool.connection() as connection:
            row = await (await connection.execute(_QUERY, (query["date"][0],))).fetchone()
        body = json.dumps({"success": True, "data": row}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Base(DeclarativeBase):
    pass


class _Day(_Base):
    __tablename__ = "grade_stats_cache"
    date: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    grade_9: Mapped[int] = mapped_column(BigInteger)
    grade_1: Mapped[int] = mapped_column(BigInteger)
    total_success: Mapped[int] = mapped_column(BigInteger)
    total_records: Mapped[int] = mapped_column(BigInteger)
    calculated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    elapsed_time: Mapped[float] = mapped_column(Double)
    sync_type: Mapped[str] = mapped_column(Text)


def old() -> Any:
    """Flask with one ORM look-up."""
    from flask import Flask, jsonify, request

    app = Flask(__name__)
    engine = create_engine(os.environ["CALLING_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"), pool_size=8)

    @app.get("/api/stats/grade-stats")
    def grade_stats() -> Any:
        with Session(engine) as session:
            row = session.get(_Day, dt.date.fromisoformat(request.args["date"]))
        names = [column.name for column in _Day.__table__.columns]
        return jsonify(success=True, data={name: str(getattr(row, name)) for name in names})

    return app
