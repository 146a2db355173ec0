"""Which rules hold for whom: the policy of each calling task and of each telephony configuration, the same ones once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.console.views import View
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Policy
from calling_pipeline.telephony.tenants import store as tenant_store

MOST = 12
"""Policies that a page shows; one contact centre has a handful."""
Side = Literal["batch", "telephony"]


@dataclass
class Rules:
    """One policy of one side, and the names of the calling tasks or configurations that have it."""

    side: Side
    policy: Policy
    document: Mapping[str, Any]
    names: list[str] = field(default_factory=list)


def rules_in_use(connection: sa.Connection, view: View) -> list[Rules]:
    """The policies that hold now, at most `MOST`; the ordinary one of a side that has nothing configured yet.

    Calling tasks and configurations are those that the person may see.
    """
    found: dict[tuple[str, str], Rules] = {}
    for side, name, document in _documents(connection, view):
        key = (side, json.dumps(document, sort_keys=True))
        rules = found.get(key)
        if rules is None:
            rules = found[key] = Rules(side, policy_from(document), document)
        if name:
            rules.names.append(name)
    sides = {rules.side for rules in found.values()}
    ordinary = [Rules(side, policy_from({}), {}) for side in _sides(view) if side not in sides]
    return sorted([*found.values(), *ordinary], key=lambda rules: (rules.side, -len(rules.names)))[:MOST]


def _sides(view: View) -> tuple[Side, ...]:
    return ("batch", "telephony") if view.may("viewer", "telephony") else ("batch",)


def _documents(connection: sa.Connection, view: View) -> Iterator[tuple[Side, str, Mapping[str, Any]]]:
    if view.may("viewer", "batches"):
        for task in task_store.all_tasks(connection):
            if task.enabled:
                yield "batch", task.name, task.policy
    if view.may("viewer", "telephony"):
        rows, _ = tenant_store.configs(connection, tenant_id=view.caller.tenant, enabled=True, limit=500)
        for row in rows:
            yield "telephony", row.name, row.contact_rules
