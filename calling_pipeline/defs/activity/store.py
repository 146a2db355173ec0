"""Writes evaluations outside a run into Dagster's storage."""

from __future__ import annotations

import dagster as dg

from calling_pipeline.database.sql import load
from calling_pipeline.defs.instance.events import sql_events

_FORGET_EVALUATION = load("defs/activity/forget_evaluation")


def report_evaluation(instance: dg.DagsterInstance, evaluation: dg.AssetCheckEvaluation) -> None:
    """Report one evaluation, in place of the last that no run made of the same check and partition.

    Interrupted in between, the last one is gone; whoever reports again writes the new one.
    """
    storage = sql_events(instance)
    if evaluation.partition is not None and storage is not None:
        same = {
            "asset_key": evaluation.asset_key.to_string(),
            "check_name": evaluation.check_name,
            "partition": evaluation.partition,
        }
        with storage.index_connection() as connection:
            connection.execute(_FORGET_EVALUATION, same)
    instance.report_runless_asset_event(evaluation)
