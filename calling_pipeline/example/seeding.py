"""Puts the example world into every room, by the rooms' own functions. Done twice it changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.access.people import people
from calling_pipeline.access.people import store as people_store
from calling_pipeline.call_batches.calling_tasks import editing
from calling_pipeline.call_batches.calling_tasks import store as task_store
from calling_pipeline.call_batches.dependencies import plan_rules
from calling_pipeline.contact_policy import do_not_call, holidays
from calling_pipeline.contact_policy import store as policy_store
from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.errors import Conflict
from calling_pipeline.example import keeping, orders, store
from calling_pipeline.example.names import (
    APP_ID,
    BY,
    CASES_EACH,
    COLLECTOR_NAMES,
    COLLECTORS,
    CONFIG,
    EXTENSIONS,
    HOLIDAY,
    PEOPLE,
    SCHEMA,
    SOURCE,
    TABLE,
    TASK,
    TENANT,
    ledger_of,
)
from calling_pipeline.notifications.contracts import runs
from calling_pipeline.notifications.contracts.ledger_files import key_of
from calling_pipeline.notifications.contracts.rows import store as rows
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline.telephony.desk.cases import importing
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.tenants import collectors, configurations
from calling_pipeline.telephony.tenants import store as tenant_store

_ANY_HOUR = {"preset": "list_only"}
"""The simulator's customers may be called at night: nobody's telephone rings, and whoever tries it works late."""
_RATE_PER_S = 4.0


@dataclass(frozen=True)
class Seeded:
    """How many things the example world got now; all 0 when it was there."""

    work_orders: int = 0
    calling_tasks: int = 0
    do_not_call: int = 0
    holidays: int = 0
    extensions: int = 0
    collectors: int = 0
    cases: int = 0
    people: int = 0
    messages: int = 0

    @property
    def nothing(self) -> bool:
        """Whether everything was there already."""
        return not any(vars(self).values())


def seed(runtime: Runtime) -> Seeded:
    """Make what is missing of the example world, and note that it is there.

    Raises `ConfigurationError` where a vendor is not the simulator, `Conflict` when the names are taken by what is no
    example, and what the rooms' functions raise; nothing is made then.
    """
    settings = keeping.as_under_up(runtime.settings)
    keeping.require_simulator(settings)
    with runtime.transaction() as connection:
        made = Seeded(
            work_orders=_orders(connection),
            calling_tasks=_task(connection, runtime),
            do_not_call=_do_not_call(connection),
            holidays=_holidays(connection),
            **_telephony(connection, runtime),
            people=_people(connection),
        )
    deps = dependencies(runtime)
    if keeping.state_of(settings) != "seeded" or not ledger_of(settings).exists():
        with runtime.transaction() as connection:  # contracts of an example that was removed are not asked about again
            known = rows.count_contracts(connection, key_of(ledger_of(settings)))
        keeping.write_ledger(settings, first=known + 1)
    generated = runs.generate_only(deps, [ledger_of(settings)], created_by=BY, day=days.today())
    keeping.keep_state(settings, "seeded")
    return replace(made, messages=sum(one.messages for one in generated.generated))


def dependencies(runtime: Runtime) -> NotificationDependencies:
    """What the notifications need, with the receivers of the example where the user has set none."""
    settings = keeping.as_under_up(runtime.settings)
    return replace(NotificationDependencies.from_runtime(runtime), robots=settings.wecom_robots, users=settings.wecom_users)


def _orders(connection: sa.Connection) -> int:
    if not store.make_schema(connection):
        return 0
    made = orders.orders()
    store.add_orders(connection, made)
    return len(made)


def _task(connection: sa.Connection, runtime: Runtime) -> int:
    """The calling task, switched off: it calls when somebody runs it, and at no hour of its own."""
    if any(task.name == TASK for task in task_store.all_tasks(connection)):
        return 0
    values: dict[str, Any] = {
        "name": TASK,
        "cron": "0 0 9 * * ?",
        "enabled": False,
        "source_schema": SCHEMA,
        "source_table": TABLE,
        "mobile_phone": "mobile",
        **{column: column for column in ("staff_name", "sys_name", "order_type", "order_nums")},
        "rate_per_s": _RATE_PER_S,
        "policy": _ANY_HOUR,
        "remark": "示例数据：只拨给模拟器，没有人会接到电话。用 calling-pipeline example remove 移除",
    }
    editing.add(connection, values, plan_rules(runtime.settings), by=BY)
    return 1


def _do_not_call(connection: sa.Connection) -> int:
    if policy_store.blocked(connection, days.now(), source=SOURCE):
        return 0
    last_day = days.today() + dt.timedelta(days=90)
    numbers = orders.do_not_call()
    return sum(
        do_not_call.add(
            connection,
            number,
            source=SOURCE,
            expires=last_day if place % 4 == 3 else None,
            note="示例：客户要求不再致电",
            by=BY,
        )
        for place, number in enumerate(numbers)
    )


def _holidays(connection: sa.Connection) -> int:
    """The next New Year's Day and the next National Day, where these are ordinary days."""
    today, made = days.today(), 0
    known = policy_store.all_holidays(connection)
    if any(name.startswith(HOLIDAY) for _, name in known):
        return 0
    for month, name in ((1, "元旦"), (10, "国庆节")):
        day = next(one for year in (today.year, today.year + 1) if (one := dt.date(year, month, 1)) > today)
        if day not in dict(known):
            holidays.declare(connection, day, f"{HOLIDAY}{name}", by=BY)
            made += 1
    return made


def _telephony(connection: sa.Connection, runtime: Runtime) -> dict[str, int]:
    """The tenant: its account at the simulator, the pool, the collectors with their cases."""
    known = tenant_store.config_of_tenant(connection, TENANT)
    if known is not None:
        if known.app_id != APP_ID:
            raise Conflict(f"tenant {TENANT} has an Infinity configuration of its own; the example needs that tenant")
        return {}
    values = {
        "name": CONFIG,
        "api_url": f"{runtime.settings.simulator_url}/infinity/api",
        "app_id": APP_ID,
        "access_key": "example",
        "contact_rules": _ANY_HOUR,
    }
    config, _ = configurations.create(connection, runtime.secrets, TENANT, values, who=BY)
    numbers = [(str(8000 + place), f"示例{place:02d}") for place in range(1, EXTENSIONS + 1)]
    pool = extensions.bulk_import(connection, config.id, numbers, who=BY)
    people_of_it = _collectors(connection, runtime.secrets)
    cases = importing.bulk_import(connection, runtime.secrets, runtime.phone_keys, TENANT, _cases(), who=BY)
    return {
        "extensions": extensions.counts(pool)["imported"],
        "collectors": people_of_it,
        "cases": extensions.counts(cases)["imported"],
    }


def _collectors(connection: sa.Connection, box: SecretBox) -> int:
    lines = [
        f"{place},示例{COLLECTOR_NAMES[place - 1]},{orders.phone(90_000 + place)}" for place in range(1, COLLECTORS + 1)
    ]
    text = "\n".join(["collector_id,name,callback_number", *lines])
    made = collectors.bulk_import(connection, box, TENANT, text, who=BY)
    return extensions.counts(made)["imported"]


def _cases() -> str:
    """The cases of all collectors as a sheet."""
    lines: Sequence[str] = [
        f"{collector},示例客户{collector:02d}-{case},{orders.phone(80_000 + 10 * collector + case)},示例案件"
        for collector in range(1, COLLECTORS + 1)
        for case in range(1, CASES_EACH + 1)
    ]
    return "\n".join(["collector_id,customer_name,phone,note", *lines])


def _people(connection: sa.Connection) -> int:
    """One person of each role; one that a removal has switched off is switched on again."""
    made = 0
    for one in PEOPLE:
        known = people_store.by_name(connection, one.name)
        if known is None:
            people.add(connection, one.name, one.role, by=BY, tenant_id=one.tenant_id, collector_id=one.collector_id)
        elif not known.active:
            people.change(connection, one.name, {"active": True}, by=BY)
        else:
            continue
        made += 1
    return made
