"""How a retry is logged: one line per retry, without what an error may carry."""

from __future__ import annotations

import logging

from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from calling_pipeline.errors import CallingError

_log = logging.getLogger(__name__)


def install() -> None:
    """Replace stamina's own hooks, which write to standard output where structlog is installed."""
    set_on_retry_hooks([_log_retry])


def _log_retry(details: RetryDetails) -> None:
    error = details.caused_by
    # our own errors are written to be read; a driver's may hold a statement and its values
    what = str(error) if isinstance(error, CallingError) else type(error).__name__
    _log.info("%s; attempt %d follows in %.1f s", what, details.retry_num + 1, details.wait_for)
