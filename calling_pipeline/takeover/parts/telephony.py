"""Accounts of Infinity, extension pools and collectors, each by the function that a person's own entry goes through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.errors import Conflict, InvalidInput
from calling_pipeline.takeover import store, values
from calling_pipeline.takeover.job import Job, Work
from calling_pipeline.takeover.mapping import Section
from calling_pipeline.takeover.records import Counts, Fields, Row
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.tenants import collectors, configurations
from calling_pipeline.telephony.tenants import store as tenant_store

ONLY_TENANT = 1
"""The tenant of rows that name none: the old system had one."""


def take_configurations(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take accounts; their secrets are encrypted before the row is written, and no report has them."""
    counts.rows_read += len(rows)
    for row in rows:
        fields = section.fields(row)
        tenant, name = _tenant(fields, counts), _name_of(fields)
        if any(known.name == name for known in tenant_store.configs(connection, tenant_id=tenant)[0]):
            counts.already_there += 1
            continue
        given = _configuration(fields, name, job.mapped.words("truth", "false_words"), counts)
        try:
            _create(job, connection, tenant, given, counts)
        except (InvalidInput, Conflict) as error:
            counts.refuse("not_usable")
            counts.note("configuration_not_usable", f"tenant {tenant}, {name}: {error}")
        else:
            counts.taken += 1


def take_extensions(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take extensions into the pools of the accounts they belonged to."""
    counts.rows_read += len(rows)
    configs = config_ids(job, connection)
    pools: dict[int, list[Fields]] = defaultdict(list)
    for row in rows:
        fields = section.fields(row)
        config_id = config_of(connection, configs, fields)
        if config_id is None:
            counts.refuse("no_configuration")
        else:
            pools[config_id].append(fields)
    for config_id, wanted in pools.items():
        given = [(values.text(one.get("number")) or "", (values.text(one.get("label")) or "")[:100]) for one in wanted]
        results = extensions.bulk_import(connection, config_id, given, who=job.by)
        for fields, result in zip(wanted, results, strict=True):
            _count_extension(connection, section, config_id, fields, result, counts)


def take_collectors(job: Job, connection: sa.Connection, section: Section, rows: Sequence[Row], counts: Counts) -> None:
    """Take collectors with their callback numbers, encrypted."""
    counts.rows_read += len(rows)
    for row in rows:
        fields = section.fields(row)
        number = values.whole(fields.get("id"))
        if not number:
            counts.refuse("id_is_no_number")
            continue
        tenant = _tenant(fields, counts)
        name, phone = values.text(fields.get("name")) or "", values.text(fields.get("callback_number")) or ""
        try:
            collectors.create(connection, job.runtime.secrets, tenant, number, name=name, callback_number=phone, who=job.by)
        except Conflict:
            counts.already_there += 1
            continue
        except InvalidInput as error:
            counts.refuse("not_usable")
            counts.note("collector_not_usable", f"collector {number}: {error}")
            continue
        counts.taken += 1
        if not values.is_true(fields.get("active"), job.mapped.words("truth", "false_words")):
            changes: dict[str, Any] = {"name": None, "callback_number": None, "active": False}
            collectors.change(connection, job.runtime.secrets, tenant, number, who=job.by, **changes)


def look_at_extensions(job: Job, connection: sa.Connection, counts: Counts) -> None:
    """Name the extensions that stand in the pools of two tenants: both would ring the same line."""
    found = store.extensions_in_two_tenants(connection)
    for row in found:
        counts.note("extension_in_two_tenants", f"{row.number} ({row.tenants})")
    if found:
        counts.found["extension_in_two_tenants"]["count"] = found[0].numbers


def config_ids(job: Job, connection: sa.Connection) -> Mapping[str, int]:
    """The old id of each account of the source → the id of the configuration it became."""
    found = job.section("configurations")
    if found is None or "id" not in found[1].columns:
        return {}
    known = {(one.tenant_id, one.name): one.id for one in tenant_store.configs(connection, tenant_id=None)[0]}
    old = [found[1].fields(row) for row in job.rows("configurations")]
    ids = {values.text(one["id"]) or "": known.get((_tenant(one, None), _name_of(one))) for one in old}
    return {old_id: config_id for old_id, config_id in ids.items() if config_id is not None}


def config_of(connection: sa.Connection, configs: Mapping[str, int], fields: Fields) -> int | None:
    """The configuration that a row names, else its tenant's own."""
    named = configs.get(values.text(fields.get("config")) or "")
    if named is not None or fields.get("config") is not None:
        return named
    of_tenant = tenant_store.config_of_tenant(connection, _tenant(fields, None))
    return None if of_tenant is None else int(of_tenant.id)


def _create(job: Job, connection: sa.Connection, tenant: int, given: Mapping[str, Any], counts: Counts) -> None:
    try:
        configurations.create(connection, job.runtime.secrets, tenant, given, who=job.by)
    except Conflict:  # a second enabled one: it is taken, and a person decides which is used
        configurations.create(connection, job.runtime.secrets, tenant, {**given, "enabled": False}, who=job.by)
        counts.note("two_accounts_enabled", f"tenant {tenant}: {given['name']} was taken disabled")


def _configuration(fields: Fields, name: str, false_words: Sequence[str], counts: Counts) -> dict[str, Any]:
    """What a person would enter for the account; limits that this system does not know are left out."""
    caller = values.text(fields.get("caller_number"))
    given: dict[str, Any] = {
        "name": name,
        "api_url": values.text(fields.get("api_url")),
        "app_id": values.text(fields.get("app_id")),
        "access_key": values.text(fields.get("access_key")),
        "callback_secret": values.text(fields.get("callback_secret")),
        "caller_numbers": [caller] if caller else [],
        "caller_range_start": values.text(fields.get("caller_range_start")),
        "caller_range_end": values.text(fields.get("caller_range_end")),
        "enabled": values.is_true(fields.get("enabled"), false_words),
    }
    for limit, (least, most) in {"max_concurrent_calls": (1, 1000), "ring_timeout_s": (10, 300)}.items():
        wanted = values.whole(fields.get(limit))
        if wanted is not None and least <= wanted <= most:
            given[limit] = wanted
        elif wanted is not None:
            counts.note("limit_left_out", f"{name}: {limit} {wanted}")
    if given["callback_secret"] is None:
        counts.note("callback_secret_is_new", name)
    return given


def _count_extension(
    connection: sa.Connection, section: Section, config_id: int, fields: Fields, result: Any, counts: Counts
) -> None:
    if result.result == "already_there":
        counts.already_there += 1
        return
    if result.result != "imported":
        counts.refuse("repeated" if result.result == "duplicate_in_file" else "not_usable")
        return
    counts.taken += 1
    if section.says("in_use_words", fields.get("state")):
        counts.note("in_use_in_the_old_system", result.number)
    elif section.says("offline_words", fields.get("state")):
        store.take_offline(connection, config_id, result.number)


def _tenant(fields: Fields, counts: Counts | None) -> int:
    found = values.whole(fields.get("tenant"))
    if not found and counts is not None and "tenant" in fields:
        counts.note("tenant_missing", "taken for tenant 1")
    return found or ONLY_TENANT


def _name_of(fields: Fields) -> str:
    name = values.text(fields.get("name"))
    return (name or f"old account {values.text(fields.get('id')) or ''}".strip())[:200]


CONFIGURATIONS = Work("configurations", ("configurations",), take_configurations)
EXTENSIONS = Work("extensions", ("extensions",), take_extensions, look=look_at_extensions)
COLLECTORS = Work("collectors", ("collectors",), take_collectors)
