"""Fixtures of analyses over the lines: two tenants with a week of calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.telephony.past_calls import PastCall, past_calls, tenants


@pytest.fixture
def connection(database_url) -> Iterator[sa.Connection]:
    """A connection whose work is undone."""
    engine = make_engine(database_url)
    with engine.connect() as made:
        yield made
    engine.dispose()


@pytest.fixture
def week(connection) -> list[PastCall]:
    """Calls of tenants 1 and 2 on the last six days and today."""
    tenants(connection)
    return past_calls(connection)
