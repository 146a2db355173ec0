"""Who acts: people, what their role allows, and the rooms they may enter."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

from calling_pipeline.settings import GrantableRoom, Role

Language = Literal["zh", "en"]
Room = GrantableRoom | Literal["people", "telephony", "audit", "session"]
"""What a route or page belongs to. `session` is one's own login."""

RANKS: dict[Role, int] = {"viewer": 0, "collector": 1, "operator": 2, "admin": 3}
"""A role may do what every lesser one may."""
ROOMS_WITH_TENANTS: frozenset[Room] = frozenset({"telephony", "audit", "session"})
"""Whoever is bound to a tenant enters these without a grant, and reaches what belongs to that tenant only."""
GRANTABLE: tuple[GrantableRoom, ...] = get_args(GrantableRoom)

LONGEST_NAME = 60
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200


@dataclass(frozen=True)
class Person:
    """One person. `tenant_id` None: every tenant; `collector_id` is the person's own number as a collector."""

    id: int
    name: str
    role: Role
    tenant_id: int | None
    collector_id: int | None
    grants: tuple[GrantableRoom, ...]
    language: Language
    active: bool
    has_password: bool
    created_at: dt.datetime
