"""The one `MetaData` all rooms' `tables.py` add to. Constraint names are explicit or follow one convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = sa.DateTime(timezone=True)


class Columns(sa.TypedColumns):
    """Base of a table's typed columns: `table.c.wrong` is a type error.

    SQLAlchemy's own base types every name, because its collection declares `__getattr__`.
    """

    if TYPE_CHECKING:
        __getattr__: None  # type: ignore[misc, assignment]  # it takes the base's away


class VendorCredentialsColumns(Columns):
    """Columns of `vendor_credentials`."""

    name = sa.Column(sa.Text, primary_key=True)
    sealed = sa.Column(sa.LargeBinary, nullable=False, comment="the token, encrypted for this name")
    version = sa.Column(sa.BigInteger, nullable=False, comment="grows with every token stored")
    expires_at = sa.Column(Instant, nullable=False)
    obtained_at = sa.Column(Instant, nullable=False)


vendor_credentials = sa.Table(
    "vendor_credentials",
    metadata,
    VendorCredentialsColumns,
    comment="Tokens that vendors issue; `database/credentials.py` alone reads and writes them",
)
