"""What the pages of telephony share: who may open them, the tenant that was chosen, and what forms send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Form

from calling_pipeline.api.dependencies import LARGEST_ID
from calling_pipeline.console.views import View, viewing
from calling_pipeline.errors import InvalidInput, NotFound
from calling_pipeline.telephony.tenants import store as tenant_store

Viewer = Annotated[View, Depends(viewing("viewer", "telephony"))]
Operator = Annotated[View, Depends(viewing("operator", "telephony"))]
Admin = Annotated[View, Depends(viewing("admin", "telephony"))]
Text = Annotated[str, Form(max_length=2000)]
"""A field of a form. What it must be is said by the room, in a sentence."""


def chosen_tenant(view: View) -> int | None:
    """The tenant a page is about: the person's own, else the one chosen in the address; None: every tenant."""
    return view.caller.scope(whole_number(view.request.query_params.get("tenant", ""), "tenant"))


def tenants_to_choose(view: View, connection: sa.Connection) -> Sequence[int]:
    """The tenants that a person of all tenants can choose from; none for others."""
    return tenant_store.tenants(connection) if view.caller.tenant is None else ()


def configurations_to_choose(connection: sa.Connection, tenant_id: int | None) -> list[tuple[int, str]]:
    """(id, name) of the configurations of a tenant, or of all."""
    rows, _ = tenant_store.configs(connection, tenant_id=tenant_id)
    return [(row.id, row.name if tenant_id is not None else f"{row.tenant_id} · {row.name}") for row in rows]


def visible_configuration(view: View, connection: sa.Connection, text: str | int) -> tenant_store.Row:
    """The configuration that a form names. Raises `InvalidInput` for none, `NotFound` for another tenant's."""
    config_id = whole_number(str(text), "config_id")
    row = tenant_store.config(connection, config_id) if config_id is not None else None
    if config_id is None:
        raise InvalidInput("choose a configuration", field="config_id")
    if row is None:
        raise NotFound("there is no such Infinity configuration")
    view.caller.require_visible(row.tenant_id, "Infinity configuration")
    return row


def whole_number(text: str, field: str) -> int | None:
    """The positive number that `text` is; None for an empty text. Raises `InvalidInput`."""
    plain = text.strip()
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit() and 0 < int(plain[:20]) <= LARGEST_ID):
        raise InvalidInput(f"{field} must be a positive whole number", field=field)
    return int(plain)


def needed_reason(text: str) -> str:
    """The reason that a person gave. Raises `InvalidInput` for an empty one."""
    if not text.strip():
        raise InvalidInput("say why; the reason is kept in the audit log", field="reason")
    return text.strip()
