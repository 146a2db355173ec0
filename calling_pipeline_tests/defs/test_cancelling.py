"""A run that is cancelled while it waits to try a step again ends at once."""

from __future__ import annotations

import os
import signal
import threading
import time

import dagster as dg

from calling_pipeline.defs import retries

WAIT_S = 600.0


def test_a_run_cancelled_between_two_attempts_does_not_wait_for_the_next() -> None:
    begun = threading.Event()

    @dg.op(retry_policy=retries.VENDOR._replace(delay=WAIT_S, jitter=None, backoff=None))
    def ask() -> None:
        begun.set()
        raise dg.Failure("the vendor is not reached")

    @dg.job(executor_def=dg.in_process_executor)
    def asking() -> None:
        ask()

    def cancel() -> None:
        begun.wait()
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    thread = threading.Thread(target=cancel)
    thread.start()
    result = asking.execute_in_process(raise_on_error=False)
    thread.join()
    assert not result.success
    assert time.monotonic() - began < WAIT_S / 2
