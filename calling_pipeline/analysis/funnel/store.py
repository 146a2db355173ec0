"""SQL of the funnel. It reads results that were joined before, and changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from calling_pipeline.database.sql import load

_STAGES = load("analysis/funnel/stages")


def stages(connection: sa.Connection, first: dt.date, last: dt.date) -> Sequence[Mapping[str, Any]]:
    """One row for each calling task with batches in these days, most pushed calls first."""
    return [dict(row) for row in connection.execute(_STAGES, {"first": first, "last": last}).mappings()]
