"""What all vendor clients share: repeats that do no harm, failures that say what is certain and give nothing away."""

import asyncio
import contextlib
import datetime as dt
import logging
from typing import Any

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.errors import AmbiguousOutcome, VendorTimeout, VendorUnavailable
from calling_pipeline.vendors.http import VendorHttp, retry_after_s, retrying

QUICK: dict[str, Any] = {"wait_initial_s": 0.001, "wait_max_s": 0.002}


def failing_with(error):
    def handler(request):
        raise error

    return httpx.MockTransport(handler)


async def ask(transport, *, safe, path="/page", **options):
    async with VendorHttp("vendor", "http://vendor.test/base", transport=transport) as http:
        return await http.request("GET", path, safe=safe, **options)


@pytest.mark.parametrize(
    ("failure", "safe", "expected"),
    [
        (httpx.ConnectError("no"), False, VendorUnavailable),
        (httpx.ConnectTimeout("no"), False, VendorUnavailable),
        (httpx.ReadTimeout("no"), True, VendorTimeout),
        (httpx.ReadTimeout("no"), False, AmbiguousOutcome),
        (httpx.WriteTimeout("no"), False, AmbiguousOutcome),
        (httpx.ReadError("no"), True, VendorUnavailable),
        (httpx.ReadError("no"), False, AmbiguousOutcome),
        (httpx.RemoteProtocolError("no"), False, AmbiguousOutcome),
    ],
)
def test_a_failure_says_whether_the_act_can_have_happened(failure, safe, expected):
    with pytest.raises(expected) as caught:
        asyncio.run(ask(failing_with(failure), safe=safe))
    assert (caught.value.vendor, caught.value.endpoint) == ("vendor", "/page")


def test_a_failure_never_carries_the_query_or_a_header():
    with pytest.raises(VendorUnavailable) as caught:
        asyncio.run(ask(failing_with(httpx.ConnectError("x")), safe=True, params={"secret": "s3cr3t"}, headers={"K": "k3y"}))
    assert "s3cr3t" not in repr(caught.value)
    assert "k3y" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_requests_at_once_have_a_connection_each_and_requests_in_turn_share_one():
    async def connections(at_once):
        opened, ended = 0, []
        all_in = asyncio.Event()

        async def serve(reader, writer):
            nonlocal opened
            opened += 1
            if opened == at_once:
                all_in.set()
            with contextlib.suppress(asyncio.IncompleteReadError), contextlib.closing(writer):
                while await reader.readuntil(b"\r\n\r\n"):
                    await all_in.wait()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            ended.append(writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with VendorHttp("vendor", f"http://127.0.0.1:{port}", concurrency=20) as http:
            await asyncio.gather(*(http.request("GET", "/", safe=True) for _ in range(at_once)))
            for _ in range(5):
                await http.request("GET", "/", safe=True)
        server.close()
        while len(ended) < opened:
            await asyncio.sleep(0)
        return opened

    assert asyncio.run(connections(20)) == 20
    assert asyncio.run(connections(1)) == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 04:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 03:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, expected):
    with days.frozen(dt.datetime(2026, 11, 23, 12, tzinfo=days.SHANGHAI)):
        assert retry_after_s(httpx.Response(429, headers={"Retry-After": header})) == expected


class Act:
    """Fails `failures` times, then returns."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def test_what_certainly_was_not_done_is_tried_again():
    act = Act(VendorUnavailable("busy"), VendorTimeout("late"))
    assert asyncio.run(retrying(act, **QUICK)) == "done"
    assert act.calls == 3


def test_what_perhaps_was_done_is_never_repeated():
    act = Act(AmbiguousOutcome("cut off"))
    with pytest.raises(AmbiguousOutcome):
        asyncio.run(retrying(act, **QUICK))
    assert act.calls == 1


def test_repeats_are_bounded_and_a_surrounding_retry_does_not_multiply_them():
    act = Act(*(VendorUnavailable("busy") for _ in range(50)))
    with pytest.raises(VendorUnavailable):
        asyncio.run(retrying(lambda: retrying(act, attempts=3, **QUICK), attempts=4, **QUICK))
    assert act.calls == 3


def test_a_retry_after_longer_than_we_would_wait_is_given_up_at_once():
    act = Act(VendorUnavailable("busy", retry_after_s=3600))
    with pytest.raises(VendorUnavailable):
        asyncio.run(retrying(act, total_s=5, **QUICK))
    assert act.calls == 1


def test_repeats_are_named_in_one_line_of_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="calling_pipeline"):
        asyncio.run(retrying(Act(VendorUnavailable("busy", retry_after_s=0.01)), **QUICK))
    assert [record.getMessage() for record in caplog.records] == ["busy; attempt 2 follows in 0.0 s"]
