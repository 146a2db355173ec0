"""Connections that bring their request too slowly, or too much of a head, are cut, and others are answered meanwhile."""

import socket
import threading
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from calling_pipeline.api import serving
from calling_pipeline.api.app import create_app
from calling_pipeline.api.serving import BoundedProtocol
from calling_pipeline_tests.api.test_limits import TASKS, answer_of, connection, request_head
from calling_pipeline_tests.support import LIMIT_S, join_all, wait_until


@pytest.fixture
def hurried(api_runtime, monkeypatch):
    """The API's server with clocks of half a second, at most eight connections without a head."""
    monkeypatch.setattr(serving, "HEAD_S", 0.5)
    monkeypatch.setattr(serving, "BODY_S", 0.5)
    with bounded(create_app(api_runtime)) as url:
        yield url


@contextmanager
def bounded(app):
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(serving.configuration(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        join_all(thread)
        listener.close()


def is_answered(url):
    """Whether it answers; a request that this machine holds up for as long as the clocks run is cut too."""
    try:
        return httpx.get(f"{url}/healthz", timeout=LIMIT_S).status_code == 200
    except httpx.TransportError:
        return False


def closed_by_server(raw):
    try:
        return raw.recv(65536) == b""
    except ConnectionError:
        return True


def test_three_hundred_slow_connections_are_cut_and_others_are_answered_meanwhile(hurried):
    url = httpx.URL(hurried)
    slow = [socket.create_connection((url.host, url.port), timeout=LIMIT_S) for _ in range(300)]
    for one in slow:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
    wait_until(lambda: is_answered(hurried))
    for one in slow:
        assert closed_by_server(one)
        one.close()


def test_more_connections_without_a_head_than_there_are_places_cut_the_oldest(api_runtime, monkeypatch):
    monkeypatch.setattr(serving, "MOST_WAITING", 8)
    with bounded(create_app(api_runtime)) as api:
        url = httpx.URL(api)
        slow = [socket.create_connection((url.host, url.port), timeout=LIMIT_S) for _ in range(20)]
        for one in slow[:12]:
            assert closed_by_server(one)
        assert httpx.get(f"{api}/healthz", timeout=LIMIT_S).status_code == 200
        for one in slow:
            one.close()


def test_a_head_that_drips_is_cut_also_on_a_connection_that_was_used_before(hurried, monkeypatch):
    monkeypatch.setattr(serving, "HEAD_S", LIMIT_S)
    with connection(hurried) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_of(raw)[0] == 200
        monkeypatch.setattr(serving, "HEAD_S", 0.5)
        raw.sendall(b"GET /healthz HT")
        assert closed_by_server(raw)


def test_a_body_that_does_not_arrive_is_cut(hurried):
    with connection(hurried) as raw:
        raw.sendall(request_head(TASKS, "admin-token", Content_Length=1000) + b'{"name":')
        assert closed_by_server(raw)


def test_a_head_without_end_is_cut_before_it_is_kept(api):
    with connection(api) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\n")
        try:
            for number in range(100_000):
                raw.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))
            pytest.fail("a hundred megabytes of head were taken in")
        except ConnectionError:
            pass
    assert httpx.get(f"{api}/healthz", timeout=LIMIT_S).status_code == 200


def test_connections_are_counted_down_again(api):
    for _ in range(20):
        httpx.get(f"{api}/healthz", timeout=LIMIT_S)
    wait_until(lambda: not BoundedProtocol._waiting)
