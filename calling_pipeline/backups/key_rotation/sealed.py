"""Every column that holds something sealed, and for whom each row of it is sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from calling_pipeline.contact_policy.erased import store as erased
from calling_pipeline.contact_policy.tables import erasure_keys
from calling_pipeline.database.credentials import owner_of as owner_of_credential
from calling_pipeline.database.tables import vendor_credentials
from calling_pipeline.telephony.calls.kept_callbacks import store as kept_callback_store
from calling_pipeline.telephony.calls.kept_callbacks.tables import kept_callbacks
from calling_pipeline.telephony.desk.cases import cases
from calling_pipeline.telephony.desk.cases.tables import collector_cases
from calling_pipeline.telephony.tenants import accounts
from calling_pipeline.telephony.tenants.collectors import owner_of_number
from calling_pipeline.telephony.tenants.tables import collectors, infinity_configs

Row = Any
"""A row of SQLAlchemy."""


@dataclass(frozen=True)
class SealedColumn:
    """`needs`: the columns that the owner is made of; `hashed`: a column beside it that holds the keyed hash of the same."""

    table: sa.Table
    column: str
    owner: Callable[[Row], str]
    needs: Sequence[str]
    hashed: str | None = None

    @property
    def name(self) -> str:
        """The column, for people."""
        return f"{self.table.name}.{self.column}"

    @property
    def keys(self) -> Sequence[sa.Column[Any]]:
        """Its table's primary key, the order in which rows are read."""
        return list(self.table.primary_key.columns)


def _of_config(name: str) -> SealedColumn:
    def owner(row: Row) -> str:
        return accounts.owner_of(row.tenant_id, row.id, name)

    return SealedColumn(infinity_configs, f"{name}_sealed", owner, ("tenant_id", "id"))


SEALED: Sequence[SealedColumn] = (
    SealedColumn(erasure_keys, "sealed", lambda row: erased.OWNER, ("id",)),
    SealedColumn(vendor_credentials, "sealed", lambda row: owner_of_credential(row.name), ("name",)),
    _of_config("access_key"),
    _of_config("callback_secret"),
    _of_config("previous_secret"),
    SealedColumn(
        collectors,
        "callback_number_sealed",
        lambda row: owner_of_number(row.tenant_id, row.id),
        ("tenant_id", "id"),
    ),
    SealedColumn(
        kept_callbacks,
        "body_sealed",
        lambda row: kept_callback_store.owner_of(row.config_id, bytes(row.body_digest)),
        ("config_id", "body_digest"),
    ),
    SealedColumn(
        collector_cases,
        "phone_sealed",
        lambda row: cases.owner_of(row.tenant_id, row.reference),
        ("tenant_id", "reference"),
        hashed="phone_hash",
    ),
)
