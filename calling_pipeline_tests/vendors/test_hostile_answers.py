"""Whatever a vendor answers: a typed outcome at the client, within limits of memory and time, and no repeated act."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.database.credentials import Fetch, Token
from calling_pipeline.errors import AmbiguousOutcome, ContractBreach, VendorError, VendorTimeout, VendorUnavailable
from calling_pipeline.vendors import answers
from calling_pipeline.vendors.dial_gateway import DialGateway, GatewayAccount, Push
from calling_pipeline.vendors.guanke.client import LARGEST_PAGE, GuankeClient
from calling_pipeline.vendors.guanke.token import Credentials
from calling_pipeline.vendors.http import SMALL_ANSWER, VendorHttp
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline.vendors.infinity.records import CallRequest
from calling_pipeline.vendors.metabase import LARGEST_ANSWER, Metabase
from calling_pipeline.vendors.wecom import WeCom
from calling_pipeline_tests.support import LIMIT_S, every_nth
from calling_pipeline_tests.vendors.hostile import FAULTS, MIB, Respond, document, time_runs_out, vendor, whole

SLOW = {name for name in FAULTS if any(words in name for words in ("drop by drop", "Continue", "one byte"))}
"""These end by the clock alone."""
PUSH = Push("20261123100000123", "13812340000")
CALL = CallRequest("801", "13812340000", "r" * 32)
DAY = dt.datetime(2026, 11, 22, tzinfo=days.SHANGHAI)
RESULT = {"contractRoot": {"svcCont": {"result": {"resp_code": "0", "result_msg": "成功"}}}}


class OneToken:
    """A token store that has a token and asks nobody."""

    async def token(self, name: str, fetch: Fetch, *, refused: Token | None = None) -> Token:
        return Token("t", days.now() + dt.timedelta(days=1), 1)


TOKEN: Any = OneToken()


async def push(url: str, timeout_s: float) -> Any:
    async with DialGateway(url, GatewayAccount("app", "key"), timeout_s=timeout_s) as gateway:
        return await gateway.push(PUSH)


async def to_robot(url: str, timeout_s: float) -> Any:
    http = VendorHttp("wecom", url, timeout_s=timeout_s)
    async with WeCom(http, TOKEN, corp_id="c", corp_secret="s", agent_id=1) as wecom:
        return await wecom.send_to_robot("k", "你好")


async def to_user(url: str, timeout_s: float) -> Any:
    http = VendorHttp("wecom", url, timeout_s=timeout_s)
    async with WeCom(http, TOKEN, corp_id="c", corp_secret="s", agent_id=1) as wecom:
        return await wecom.send_to_user("u", "你好")


async def make_call(url: str, timeout_s: float) -> Any:
    async with InfinityClient(url, "app", "key", tokens=TOKEN, timeout_s=timeout_s) as infinity:
        return await infinity.make_call(CALL)


async def line_status(url: str, timeout_s: float) -> Any:
    async with InfinityClient(url, "app", "key", tokens=TOKEN, timeout_s=timeout_s) as infinity:
        return await infinity.line_status("801")


async def log_in(url: str, timeout_s: float) -> Any:
    async with InfinityClient(url, "app", "key", timeout_s=timeout_s) as infinity:
        return await infinity.login()


async def bill(url: str, timeout_s: float) -> Any:
    async with InfinityClient(url, "app", "key", tokens=TOKEN, timeout_s=timeout_s) as infinity:
        return [row async for row in infinity.bill(DAY, DAY)]


async def count_calls(url: str, timeout_s: float) -> Any:
    async with GuankeClient(url, Credentials("s"), tokens=TOKEN, timeout_s=timeout_s) as guanke:
        return await guanke.count_calls(DAY, DAY)


async def guanke_token(url: str, timeout_s: float) -> Any:
    async with GuankeClient(url, Credentials("s"), timeout_s=timeout_s) as guanke:
        return await guanke.count_calls(DAY, DAY)


async def card_rows(url: str, timeout_s: float) -> Any:
    http = VendorHttp("metabase", url, timeout_s=timeout_s, largest_answer=LARGEST_ANSWER)
    async with Metabase(http, TOKEN, username="u", password="p") as metabase:
        return await metabase.card_rows(1)


ACTS = [push, to_robot, to_user, make_call]
READS = [line_status, log_in, bill, count_calls, guanke_token, card_rows]
LARGE: dict[Any, int] = {count_calls: LARGEST_PAGE, guanke_token: LARGEST_PAGE, card_rows: LARGEST_ANSWER}


async def ask(client: Callable[[str, float], Any], respond: Respond) -> Any:
    async with vendor(respond) as url:
        return await client(url, LIMIT_S)


def ending(fault: str, respond: Respond) -> AbstractContextManager[Respond]:
    """The answer of a fault, for which the time runs out where nothing else ends it."""
    return time_runs_out(respond) if fault in SLOW else nullcontext(respond)


def bounded(client: Callable[[str, float], Any], fault: str) -> Any:
    """What the client makes of the fault; fails when that takes more memory than its limit and what copies of it take."""
    tracemalloc.start()
    try:
        with ending(fault, FAULTS[fault]) as respond:
            return asyncio.run(ask(client, respond))
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 3 * LARGE.get(client, SMALL_ANSWER) + 4 * MIB


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("client", ACTS)
def test_an_act_whose_answer_cannot_be_read_is_unknown(client, fault):
    result = bounded(client, fault)
    assert result.outcome == "unknown"
    assert "13812340000" not in str(result)


@pytest.mark.parametrize("fault", every_nth(FAULTS, 3))
@pytest.mark.parametrize("client", READS)
def test_a_read_that_cannot_be_read_is_a_failure_that_names_the_vendor(client, fault):
    with pytest.raises(VendorError) as caught:
        bounded(client, fault)
    assert caught.value.vendor
    assert caught.value.vendor.lower() in str(caught.value).lower()


@pytest.mark.parametrize("body", ["nul", "surrogate", "gbk", "bom", "gzip", "raw nul"])
def test_an_answer_that_can_be_read_after_cleaning_is_read(body):
    text = json.dumps(RESULT, ensure_ascii=False)
    bodies = {
        "nul": text.replace("成功", "成\\u0000功").encode(),
        "surrogate": text.replace("成功", "成功\\ud83d").encode(),
        "gbk": text.encode("gbk"),
        "bom": text.encode("utf-8-sig"),
        "gzip": zlib.compress(text.encode(), wbits=31),
        "raw nul": text.replace("成功", "成\x00功").encode(),
    }
    headers = {"Content_Encoding": "gzip"} if body == "gzip" else {}
    answer = asyncio.run(ask(push, whole(bodies[body], **headers)))
    assert answer.outcome == "done"
    assert answer.message == "成功"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'"a\u0000b"', "ab"),
        (rb'"\u0000\u0000"', ""),
        (rb'"a\\u0000b"', "a\\u0000b"),  # a backslash and the letters: nothing is taken out
        (rb'"a\\\u0000b"', "a\\b"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\ud83d"', ""),
        (rb'"\ude00\ud83d"', ""),
        (rb'"\ud83d\ud83d\ude00"', "😀"),
        (rb'"\\ud83d"', "\\ud83d"),
        ('"张三"'.encode("gb18030"), "张三"),
        ('"𠮷"'.encode("gb18030"), "𠮷"),
    ],
)
def test_texts_are_cleaned_of_what_a_database_cannot_store_and_of_nothing_else(body, expected):
    assert json.loads(answers.storable(body)) == expected


def test_an_id_that_no_index_could_hold_is_replaced_by_our_own():
    for named in ("x" * 5000, "a\nb", ""):
        answer = asyncio.run(ask(make_call, document({"ret": 200, "data": {"status": 0, "call_uuid": named}})))
        assert (answer.outcome, answer.call_uuid) == ("done", CALL.reference)


@pytest.mark.parametrize("fault", ["without end", "drop by drop", "a gzip bomb", "broken gzip"])
def test_the_status_of_a_refusal_counts_when_its_body_cannot_be_read(fault):
    async def refused(writer):
        class Refusing:
            def write(self, data):
                writer.write(data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Busy"))

            async def drain(self):
                await writer.drain()

        refusing: Any = Refusing()
        await FAULTS[fault](refusing)

    with ending(fault, refused) as respond:
        answer = asyncio.run(ask(push, respond))
    assert (answer.outcome, answer.http_status) == ("retry", 503)


@pytest.mark.parametrize("safe", [True, False])
def test_the_limit_of_time_is_for_the_whole_request_and_the_client_works_on_after_it(safe):
    """A connection that was given up must not stay in the pool: the next requests need its place."""
    answered = document({"ok": True})

    async def act(dripping):
        slow = True

        async def respond(writer):
            await (dripping if slow else answered)(writer)

        async with vendor(respond) as url, VendorHttp("vendor", url, concurrency=2, timeout_s=LIMIT_S) as http:
            given_up = await asyncio.gather(
                *(http.request("POST", "/", safe=safe, content=b"x") for _ in range(6)), return_exceptions=True
            )
            slow = False
            return given_up, await http.request("POST", "/", safe=safe, content=b"x")

    with time_runs_out(FAULTS["drop by drop"]) as dripping:
        given_up, after = asyncio.run(act(dripping))
    assert {type(error) for error in given_up} == {VendorTimeout if safe else AmbiguousOutcome}
    assert json.loads(after.content) == {"ok": True}


def test_waiting_for_a_turn_is_not_counted_and_what_was_not_sent_is_not_unknown():
    sent = 0

    async def respond(writer):
        nonlocal sent
        sent += 1
        await document({})(writer)

    class NeverConnects(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    async def act():
        async with vendor(respond) as url, VendorHttp("vendor", url, timeout_s=0.1, transport=NeverConnects()) as http:
            return await http.request("POST", "/", safe=False, content=b"x")

    with pytest.raises(VendorUnavailable, match="did not accept a connection in time"):
        asyncio.run(act())
    assert sent == 0


def test_a_caller_that_goes_away_ends_the_request():
    async def act():
        begun, ended = asyncio.Event(), asyncio.Event()

        async def respond(writer):
            begun.set()
            try:
                await FAULTS["drop by drop"](writer)
            finally:
                ended.set()

        async with vendor(respond) as url, VendorHttp("vendor", url, timeout_s=LIMIT_S) as http:
            asking = asyncio.create_task(http.request("GET", "/", safe=True))
            await asyncio.wait_for(begun.wait(), LIMIT_S)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await asyncio.wait_for(ended.wait(), LIMIT_S)

    asyncio.run(act())


def test_cookies_of_a_vendor_are_not_kept():
    seen = []

    def before(request: bytes) -> None:
        seen.append(request)

    async def act():
        async with vendor(whole(b"{}", Set_Cookie="a=1; Path=/"), before) as url, VendorHttp("vendor", url) as http:
            for _ in range(2):
                await http.request("GET", "/", safe=True)

    asyncio.run(act())
    assert len(seen) == 2
    assert not any(b"cookie" in request.lower() for request in seen)


def test_an_oversized_answer_to_a_read_says_so():
    with pytest.raises(ContractBreach, match="more than 16384 KiB"):
        asyncio.run(ask(count_calls, FAULTS["without end"]))


def test_rows_of_metabase_hold_nothing_that_the_database_refuses():
    rows = {"data": {"rows": [["c1\x00", "\ud83d"]]}}
    assert asyncio.run(ask(card_rows, document(rows))) == [["c1", ""]]
