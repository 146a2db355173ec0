"""What needs OpenTelemetry: loaded by `tracing.start`, and only in a process that sends traces."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from calling_pipeline import __version__

Attribute = str | int | float | bool
ANSWER_S = 5.0
SEND_EVERY_MS = 2000
_PARENT = TraceContextTextMapPropagator()


class Export:
    """Spans of this process, sent to a collector in batches by a thread; what it does not take is dropped."""

    def __init__(self, collector: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # a collector that is away is not our trouble
        session = requests.Session()
        session.trust_env = False
        exporter = OTLPSpanExporter(endpoint=f"{collector}/v1/traces", timeout=ANSWER_S, session=session)
        self._provider = TracerProvider(
            resource=Resource({"service.name": "calling_pipeline", "service.version": __version__})
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=SEND_EVERY_MS))
        self._tracer = self._provider.get_tracer("calling_pipeline")

    @contextmanager
    def span(self, name: str, parent: str | None, attributes: Mapping[str, Attribute]) -> Iterator[trace.Span]:
        """A span around the block. An error that leaves it marks it, by its kind alone."""
        within = _PARENT.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name, context=within, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
        ) as found:
            try:
                yield found
            except BaseException as error:
                found.set_attribute("error.type", type(error).__name__)
                found.set_status(Status(StatusCode.ERROR))
                raise

    def current(self) -> SpanContext | None:
        """The context of the current span."""
        found = trace.get_current_span().get_span_context()
        return found if found.is_valid else None

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes to the current span."""
        trace.get_current_span().set_attributes(dict(attributes))

    def send(self) -> None:
        """Send what waits."""
        self._provider.force_flush(int(ANSWER_S * 1000))

    def stop(self) -> None:
        """Send what waits, and no more."""
        self._provider.shutdown()
