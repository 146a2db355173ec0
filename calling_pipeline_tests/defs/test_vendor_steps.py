"""Every step that uses a vendor obeys its pool; those that read ask again, those that call or message people never do."""

import dagster as dg
import pytest

from calling_pipeline.definitions import build
from calling_pipeline.defs import retries
from calling_pipeline.defs.catalogue.lineage import READS
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import load

VENDOR_POOLS = {"guanke": "guanke", "infinity": "infinity", "metabase": "metabase"}
READERS = sorted((name, VENDOR_POOLS[source]) for name, read in READS.items() for source in read if source in VENDOR_POOLS)


@pytest.fixture(scope="module")
def steps():
    """Asset → the step that materializes it."""
    defs = build(Runtime(load()))
    return {key.to_user_string(): one.op for one in defs.assets or () if hasattr(one, "op") for key in one.keys}


def test_what_reads_a_vendor_is_known():
    assert READERS == [
        ("call_records", "guanke"), ("communication_records", "infinity"), ("task_stats_cache", "guanke"),
        ("technician_notifications", "metabase"),
    ]  # fmt: skip


@pytest.mark.parametrize(("asset", "pool"), READERS)
def test_a_step_that_reads_a_vendor_asks_again_and_obeys_its_pool(steps, asset, pool):
    step = steps[asset]
    assert (step.pool, step.retry_policy) == (pool, retries.VENDOR)


def test_a_step_that_calls_people_obeys_its_pool_and_is_never_repeated(steps):
    assert (steps["call_batches"].pool, steps["call_batches"].retry_policy) == ("gateway", None)


def test_a_delivery_obeys_its_pool_and_is_never_repeated():
    job = build(Runtime(load())).resolve_job_def("notifications_deliver")
    [delivery] = [node.definition for node in job.graph.nodes]
    assert isinstance(delivery, dg.OpDefinition)
    assert (delivery.pool, delivery.retry_policy) == ("wecom", None)
