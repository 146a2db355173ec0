"""What `calling-pipeline doctor` reads of the database: its clock, its sessions, whether stored secrets can be opened."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from calling_pipeline.database.crypto import SecretBox
from calling_pipeline.database.tables import vendor_credentials
from calling_pipeline.errors import SecretUnreadable
from calling_pipeline.telephony.tenants.accounts import account
from calling_pipeline.telephony.tenants.tables import infinity_configs

SHOWN = 20


def clock_and_zone(connection: sa.Connection) -> tuple[dt.datetime, str]:
    """The server's time now, and the time zone of this session."""
    row = connection.execute(sa.select(sa.func.clock_timestamp(), sa.func.current_setting("timezone"))).one()
    return row[0], row[1]


def unreadable_secrets(connection: sa.Connection, box: SecretBox) -> tuple[int, list[str]]:
    """How many stored secrets were tried, and whose were sealed with another key."""
    tried, unreadable = 0, []
    for row in connection.execute(sa.select(vendor_credentials).order_by(vendor_credentials.c.name).limit(SHOWN)):
        tried += 1
        try:
            box.open(row.sealed, owner=f"vendor credential:{row.name}")
        except SecretUnreadable:
            unreadable.append(row.name)
    table = infinity_configs
    for row in connection.execute(sa.select(table).where(table.c.access_key_sealed.is_not(None)).limit(SHOWN)):
        tried += 1
        try:
            account(box, row)
        except SecretUnreadable:
            unreadable.append(f"tenant {row.tenant_id}")
    return tried, unreadable


def tenants_addresses(connection: sa.Connection) -> list[tuple[int, str]]:
    """Tenant and address of telephony configurations that are not deleted, the first few."""
    table = infinity_configs.c
    query = sa.select(table.tenant_id, table.api_url).where(table.deleted_at.is_(None)).order_by(table.id).limit(SHOWN)
    rows = connection.execute(query)
    return [(row.tenant_id, row.api_url) for row in rows]
