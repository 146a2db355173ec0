"""How a step that reads a vendor fails: in our own sentence, and again only where asking again may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.errors import raise_execution_interrupts
from dagster._core.execution.plan.active import ActiveExecution

from calling_pipeline.errors import CallingError, may_succeed_later
from calling_pipeline.settings import load

VENDOR = dg.RetryPolicy(
    max_retries=3, delay=load().vendor_retry_delay_s, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""Three more attempts, after 30, 90 and 210 s give or take 30: an outage of two minutes repairs itself. For steps that read:
what calls or messages people is never repeated by Dagster. Steps say by `Failure.allow_retries` what cannot pass."""


def wait_interruptibly() -> None:
    """Let a run that is cancelled while it waits to try a step again end at once.

    Dagster puts interrupts off until the wait, of minutes, is over; here they are raised within it, by its own means.
    """
    waiting = ActiveExecution.sleep_til_ready

    def waited(execution: ActiveExecution) -> None:
        with raise_execution_interrupts():
            waiting(execution)

    if getattr(waiting, "__name__", "") != waited.__name__:
        setattr(ActiveExecution, waiting.__name__, waited)


wait_interruptibly()


@contextmanager
def refusals_as_sentences() -> Iterator[None]:
    """Turn our errors within the block into Dagster's `Failure`, which is retried when the error may pass only."""
    try:
        yield
    except CallingError as error:
        raise dg.Failure(str(error), allow_retries=may_succeed_later(error)) from None
