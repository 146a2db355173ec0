"""Traces by OpenTelemetry, where the settings name a collector of theirs; without one every span here costs nothing.

A trace joins what belongs together over processes: a click with its callback, a tick with its run. Its context is kept as
the text of a `traceparent`. Attributes are ids of our own, counts and words of closed lists: never a number, a name or a
secret, and of an error only its kind.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from calling_pipeline.trace_export import Export

P = ParamSpec("P")
T = TypeVar("T")
Attribute = str | int | float | bool
TAG = "calling/trace"
"""The tag of a run that holds the context of what started it."""
_export: Export | None = None


class Span:
    """What a block may say of itself; this one says it to nobody."""

    def note(self, **attributes: Attribute) -> None:
        """Add attributes that are known only now."""


class _Recorded(Span):
    def __init__(self, span: Any) -> None:
        self._span = span

    def note(self, **attributes: Attribute) -> None:
        self._span.set_attributes(attributes)


_NOBODY = nullcontext(Span())


def start(collector: str) -> None:
    """Send the spans of this process to the collector (its base address, OTLP over HTTP) from now on."""
    global _export
    if _export is None:
        # 300 ms, of a process that sends traces; the packages are an extra that others need not have
        _export = importlib.import_module("calling_pipeline.trace_export").Export(collector)
        _let_log_lines_carry_it()


def stop() -> None:
    """Send what waits, and no more from now on."""
    global _export
    if _export is not None:
        _export.stop()
    _export = None


def send() -> None:
    """Send what waits now: a run's process ends without the usual farewell."""
    if _export is not None:
        _export.send()


def span(name: str, *, parent: str | None = None, **attributes: Attribute) -> AbstractContextManager[Span]:
    """A span around the block; within `parent` where that context is given, else within the current one, if any."""
    return _NOBODY if _export is None else _recorded(_export, name, parent, attributes)


def traced(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A span around each call of the decorated function, which is not asynchronous."""

    def decorate(act: Callable[P, T]) -> Callable[P, T]:
        @wraps(act)
        def spanned(*args: P.args, **options: P.kwargs) -> T:
            with span(name):
                return act(*args, **options)

        return spanned

    return decorate


def note(**attributes: Attribute) -> None:
    """Add attributes to the current span, if there is one."""
    if _export is not None:
        _export.note(attributes)


def context() -> str | None:
    """The current context as a `traceparent`; None where there is none."""
    current = None if _export is None else _export.current()
    return None if current is None else f"00-{current.trace_id:032x}-{current.span_id:016x}-{int(current.trace_flags):02x}"


def trace_id() -> str:
    """The current trace, as log lines name it; empty where there is none."""
    current = None if _export is None else _export.current()
    return "" if current is None else f"{current.trace_id:032x}"


def tags() -> dict[str, str]:
    """The tags by which a run that is started now joins the current trace."""
    current = context()
    return {} if current is None else {TAG: current}


@contextmanager
def _recorded(export: Export, name: str, parent: str | None, attributes: Mapping[str, Attribute]) -> Iterator[Span]:
    with export.span(name, parent, attributes) as found:
        yield _Recorded(found)


def _let_log_lines_carry_it() -> None:
    """Every log record of this process has the attribute `trace`."""
    make = logging.getLogRecordFactory()

    def made(*args: Any, **options: Any) -> logging.LogRecord:
        record = make(*args, **options)
        record.trace = trace_id()
        return record

    logging.setLogRecordFactory(made)
