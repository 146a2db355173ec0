"""Lines that Dagster's own loggers write, in the form that CALLING_LOG_FORMAT says: those of its processes and of every run.

Its daemon and code server have one form for all of a process, its runs another, coloured text that no option changes. Here
both become ours: the same fields, masked, with the trace that a line belongs to.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from calling_pipeline.private import JsonFormatter, Traced
from calling_pipeline.settings import Settings

_PROCESSES = ("", "dagster", "dagit", "dagster-webserver", "alembic")
"""Loggers that Dagster gives handlers in a process; the first is the root."""
_MAKERS = ("dagster._utils.log", "dagster._loggers", "dagster._core.definitions.instigation_logger")
_MAKE = "create_console_logger"


def set_form(settings: Settings) -> None:
    """Let what this process has loaded of Dagster write so. To ask again is right after more was loaded."""
    json = settings.log_format == "json"
    if not json and settings.traces_url is None:
        return
    for name in _PROCESSES:
        _take_over(logging.getLogger(name), json=json)
    for module in _MAKERS:
        made = getattr(sys.modules.get(module), _MAKE, None)
        if made is not None and not hasattr(made, "__wrapped__"):
            setattr(sys.modules[module], _MAKE, _making(made, json=json))


def _making(make: Callable[..., logging.Logger], *, json: bool) -> Callable[..., logging.Logger]:
    """What makes the logger of a run's lines on its standard error."""

    def made(*args: Any, **options: Any) -> logging.Logger:
        logger = make(*args, **options)
        _take_over(logger, json=json)
        return logger

    made.__wrapped__ = make  # type: ignore[attr-defined]
    return made


def _take_over(logger: logging.Logger, *, json: bool) -> None:
    for handler in logger.handlers:
        if json and not isinstance(handler.formatter, JsonFormatter):
            handler.setFormatter(JsonFormatter())
        elif not json and handler.formatter is not None and not isinstance(handler.formatter, Traced):
            handler.setFormatter(Traced(handler.formatter))
