"""A collector of traces: takes OTLP over HTTP on 127.0.0.1 and keeps the decoded spans."""

import gzip
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from calling_pipeline_tests.support import answering


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP and keeps the decoded spans."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Take)
        self.spans = []
        self.bodies = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def one(self, name):
        (found,) = self.named(name)
        return found


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        sent = ExportTraceServiceRequest.FromString(body)
        self.server.bodies.append(body)
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def collecting():
    """A collector that takes spans within the block."""
    server = Collector()
    with answering(server):
        yield server


def attributes(span):
    """The words that a span says of itself, by name."""
    return {one.key: one.value.string_value for one in span.attributes}
