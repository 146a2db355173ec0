"""How a step that reads a vendor fails: in our own sentence, and again only where asking again may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from calling_pipeline.errors import CallingError, may_succeed_later
from calling_pipeline.settings import load

VENDOR = dg.RetryPolicy(
    max_retries=3, delay=load().vendor_retry_delay_s, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""Three more attempts, after 30, 90 and 210 s give or take 30: an outage of two minutes repairs itself. For steps that read:
what calls or messages people is never repeated by Dagster. Steps say by `Failure.allow_retries` what cannot pass."""


@contextmanager
def refusals_as_sentences() -> Iterator[None]:
    """Turn our errors within the block into Dagster's `Failure`, which is retried when the error may pass only."""
    try:
        yield
    except CallingError as error:
        raise dg.Failure(str(error), allow_retries=may_succeed_later(error)) from None
