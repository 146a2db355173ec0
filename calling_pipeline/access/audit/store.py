"""The SQL of the audit log. Nothing here commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.access.audit.records import Door, Entry
from calling_pipeline.access.audit.tables import audit_log


def add(
    connection: sa.Connection,
    *,
    at: dt.datetime,
    person: str,
    door: Door,
    act: str,
    subject: str,
    tenant_id: int | None,
    reason: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Append one act."""
    row = {"at": at, "person": person, "door": door, "act": act, "subject": subject}
    more = {"tenant_id": tenant_id, "reason": reason, "before": before, "after": after}
    connection.execute(audit_log.insert().values(row | more))


def entries(
    connection: sa.Connection,
    *,
    subject: str | None = None,
    person: str | None = None,
    act: str | None = None,
    acts: Sequence[str] = (),
    reason: str | None = None,
    tenant_id: int | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    limit: int,
    offset: int = 0,
    count_up_to: int | None = None,
) -> tuple[list[Entry], int]:
    """The newest acts first, and how many there are in all, or at most `count_up_to`.

    `subject`, `person` and acts may end in `*`: every one that begins so. With several `acts` one of them is enough.
    `reason` is a text within the reason; `*` is every reason.
    """
    t = audit_log.c
    wanted = [_is(column, text) for column, text in ((t.subject, subject), (t.person, person), (t.act, act)) if text]
    if acts:
        wanted.append(sa.or_(*(_is(t.act, one) for one in acts)))
    if reason:
        wanted.append(t.reason != "")
    if reason and reason != "*":
        wanted.append(t.reason.icontains(reason, autoescape=True))
    if tenant_id is not None:
        wanted.append(t.tenant_id == tenant_id)
    if since is not None:
        wanted.append(t.at >= since)
    if until is not None:
        wanted.append(t.at < until)
    counted = sa.select(sa.literal(1)).select_from(audit_log).where(*wanted).limit(count_up_to).subquery()
    total = connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one()
    query = sa.select(audit_log).where(*wanted).order_by(t.id.desc()).limit(limit).offset(offset)
    return [Entry(**row) for row in connection.execute(query).mappings()], total


def _is(column: sa.Column[str], text: str) -> sa.ColumnElement[bool]:
    return column.startswith(text[:-1], autoescape=True) if text.endswith("*") else column == text
