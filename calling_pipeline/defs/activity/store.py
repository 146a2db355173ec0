"""Writes evaluations outside a run into Dagster's storage."""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from calling_pipeline.database.sql import load

_FORGET_EVALUATION = load("defs/activity/forget_evaluation")


def report_evaluation(instance: dg.DagsterInstance, evaluation: dg.AssetCheckEvaluation) -> None:
    """Report one evaluation, in place of the last that no run made of the same check and partition.

    Interrupted in between, the last one is gone; whoever reports again writes the new one.
    """
    storage = instance.event_log_storage
    if evaluation.partition is not None and isinstance(storage, SqlEventLogStorage):
        same = {
            "asset_key": evaluation.asset_key.to_string(),
            "check_name": evaluation.check_name,
            "partition": evaluation.partition,
        }
        with storage.index_connection() as connection:
            connection.execute(_FORGET_EVALUATION, same)
    instance.report_runless_asset_event(evaluation)
