"""The columns of an export of call records: phones are masked as they are stored, nobody gets a whole one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calling_pipeline.access.people.records import Language
from calling_pipeline.analysis.records import Column
from calling_pipeline.reports import documents

COLUMNS = (
    Column("record_id", "text"),
    Column("day", "day"),
    Column("called_at", "moment"),
    Column("call_result", "text"),
    Column("talk_s", "seconds"),
    Column("order_yuan", "whole"),
    Column("agent_id", "text"),
    Column("agent", "text"),
    Column("task_name", "text"),
    Column("line", "text"),
    Column("phone", "text"),
    Column("hangup_reason", "text"),
    Column("province", "text"),
    Column("city", "text"),
)
_STATES = ("not_dialled", "not_connected", "connected")


def heads_of(language: Language) -> list[str]:
    """The names of the columns."""
    return [documents.column_name(column.name, language) for column in COLUMNS]


def cells_of(row: Sequence[Any], language: Language, names: Mapping[str, str]) -> Sequence[Any]:
    """The cells of a call record; an id of nineteen digits is a text, since a sheet keeps fifteen."""
    record, day, called_at, state, *rest = row
    talk, order, agent, task, line, phone, reason, province, city = rest
    result = documents.say(f"call_{_STATES[state]}", language) if state is not None else None
    return (
        str(record), day, called_at, result, talk, order, agent, names.get(agent), task, line, phone, reason, province, city,
    )  # fmt: skip
