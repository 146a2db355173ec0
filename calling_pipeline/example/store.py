"""SQL of the example's own schema, which stands for a customer's database. Functions take a connection and never commit."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from calling_pipeline.database.sql import load
from calling_pipeline.example.names import SCHEMA, TABLE
from calling_pipeline.example.orders import Order

_WORK_ORDERS = load("example/work_orders")
_ADD_ORDERS = load("example/add_orders")
_NAMES = tuple(Order._fields)


def make_schema(connection: sa.Connection) -> bool:
    """Make schema and table; False when they are there."""
    if connection.execute(sa.text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}).scalar_one() is not None:
        return False
    connection.execute(sa.schema.CreateSchema(SCHEMA))
    connection.execute(_WORK_ORDERS)
    return True


def add_orders(connection: sa.Connection, orders: Sequence[Order]) -> None:
    """Append rows to the customer's table."""
    columns = {name: [order[place] for order in orders] for place, name in enumerate(_NAMES)}
    connection.execute(_ADD_ORDERS, columns)


def count_orders(connection: sa.Connection) -> int:
    """How many rows the customer's table has."""
    return int(connection.execute(sa.text(f"SELECT count(*) FROM {SCHEMA}.{TABLE}")).scalar_one())  # noqa: S608  # constants


def drop_schema(connection: sa.Connection) -> bool:
    """Drop the schema with all that is in it; False when there is none."""
    if connection.execute(sa.text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}).scalar_one() is None:
        return False
    connection.execute(sa.schema.DropSchema(SCHEMA, cascade=True))
    return True
