"""The pages of the console in the order of the menu, and who sees which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calling_pipeline.access.caller import Caller
from calling_pipeline.access.people.records import Room
from calling_pipeline.settings import Role


@dataclass(frozen=True)
class Entry:
    """One page of the menu: what its routes need of their caller. `label` is a key of the catalogue."""

    path: str
    label: str
    role: Role
    room: Room
    own: bool = False


MENU: Sequence[Entry] = (
    Entry("/", "common.menu_today", "viewer", "status"),
    Entry("/desk", "common.menu_desk", "collector", "telephony", own=True),
    Entry("/stats", "common.menu_stats", "viewer", "statistics"),
    Entry("/analysis", "common.menu_analysis", "viewer", "session"),
    Entry("/reports", "common.menu_reports", "viewer", "reports"),
    Entry("/batches", "common.menu_batches", "viewer", "batches"),
    Entry("/policy", "common.menu_policy", "viewer", "policy"),
    Entry("/notifications", "common.menu_notifications", "viewer", "notifications"),
    Entry("/telephony", "common.menu_telephony", "viewer", "telephony"),
    Entry("/ledger", "common.menu_ledger", "viewer", "ledger"),
    Entry("/alerts", "common.menu_alerts", "viewer", "alerts"),
    Entry("/people", "common.menu_people", "admin", "people"),
    Entry("/takeover", "common.menu_takeover", "operator", "status"),
    Entry("/audit", "common.menu_audit", "operator", "audit"),
)


def entries_for(caller: Caller) -> Sequence[Entry]:
    """The pages that this caller may open."""
    return [entry for entry in MENU if caller.may(entry.role, entry.room, own=entry.own)]
