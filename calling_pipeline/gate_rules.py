"""The names of the publishing gate's rules: settings choose their severities, `call_stats/gate.py` judges by them."""

from typing import Literal

GateRule = Literal[
    "unknown_grades",
    "missing_fields",
    "new_fields",
    "outside_day",
    "tracks_orders",
    "tracks_calls",
    "calls_dropped",
    "calls_jumped",
    "orders_dropped",
    "calls_lost",
    "orders_lost",
    "counts_contradict",
]
