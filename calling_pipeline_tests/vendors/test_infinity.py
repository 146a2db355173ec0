"""The Infinity client against the contract, word for word."""

import asyncio
import datetime as dt
from urllib.parse import parse_qs

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.errors import ContractBreach, IncompleteFetch, VendorAuthRefused, VendorRefused
from calling_pipeline.vendors.infinity.answers import ExtensionFault
from calling_pipeline.vendors.infinity.client import InfinityClient
from calling_pipeline.vendors.infinity.records import CallAnswer, CallRequest

CALL = CallRequest("1001", "13800000001", "a" * 32, caller_number="057188880000", collector="7", customer="c-1")


class Vendor:
    """Answers each operation from a list, the last one again and again; keeps what it was sent."""

    def __init__(self, **answers):
        self.answers = {"Login": [ok({"status": 0, "token": "t-1"})], **answers}
        self.sent = []

    def __call__(self, request):
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.sent.append((request, form))
        name = form["service"].rsplit(".", 1)[1]
        queue = self.answers[name]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, json=answer) if isinstance(answer, dict) else answer

    def names(self):
        return [form["service"].rsplit(".", 1)[1] for _, form in self.sent]


def ok(data):
    return {"ret": 200, "msg": "", "data": data}


def ask(vendor, act):
    async def run():
        client = InfinityClient("http://v.example.com/api.php?x=1", "app", "key", transport=httpx.MockTransport(vendor))
        async with client:
            return await act(client)

    return asyncio.run(run())


def test_operations_are_form_posts_with_the_service_and_the_contracts_names():
    vendor = Vendor(MakeCall=[ok({"status": 0, "call_uuid": "u-1"})])
    assert ask(vendor, lambda c: c.make_call(CALL)) == CallAnswer("done", call_uuid="u-1")
    login, call = vendor.sent
    assert login[1] == {"service": "App.Sip_Auth.Login", "appid": "app", "accesskey": "key"}
    assert call[1] == {
        "service": "App.Sip_Call.MakeCall",
        "token": "t-1",
        "extnumber": "1001",
        "destnumber": "13800000001",
        "disnumber": "057188880000",
        "userid": "7",
        "memberid": "c-1",
        "customuuid": "a" * 32,
    }
    assert call[0].method == "POST"
    assert str(call[0].url) == "http://v.example.com/api.php?x=1"
    assert call[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_without_a_call_uuid_ours_is_the_calls():
    answer = ask(Vendor(MakeCall=[ok({"status": 0})]), lambda c: c.make_call(CALL))
    assert answer == CallAnswer("done", call_uuid="a" * 32)


def test_one_login_serves_twelve_hours_of_calls():
    vendor = Vendor(MakeCall=[ok({"status": "0", "call_uuid": "u"})])

    async def calls(client):
        for _ in range(3):
            await client.make_call(CALL)

    ask(vendor, calls)
    assert vendor.names().count("Login") == 1


def test_a_token_past_its_twelve_hours_is_replaced():
    vendor = Vendor(MakeCall=[ok({"status": 0, "call_uuid": "u"})])

    async def calls(client):
        await client.make_call(CALL)
        with days.frozen(days.now() + dt.timedelta(hours=12)):
            await client.make_call(CALL)

    ask(vendor, calls)
    assert vendor.names().count("Login") == 2


def test_an_invalid_token_means_one_new_login_and_one_more_try():
    vendor = Vendor(MakeCall=[{"ret": 600, "msg": "", "data": {}}, ok({"status": 0, "call_uuid": "u"})])
    assert ask(vendor, lambda c: c.make_call(CALL)) == CallAnswer("done", call_uuid="u")
    assert vendor.names() == ["Login", "MakeCall", "Login", "MakeCall"]
    vendor = Vendor(MakeCall=[{"ret": 600, "msg": "", "data": {}}])
    answer = ask(vendor, lambda c: c.make_call(CALL))
    assert (answer.outcome, answer.code) == ("refused", "600")
    assert vendor.names() == ["Login", "MakeCall", "Login", "MakeCall"]


@pytest.mark.parametrize(
    ("answer", "code", "extension_fault"),
    [
        (ok({"status": 1, "code": 1012}), "1012", True),
        (ok({"status": "1", "msg": "error 1013: disabled"}), "1013", True),
        (ok({"status": 1014}), "1014", True),
        (ok({"status": 1}), "1", False),
        ({"ret": 400, "msg": "bad", "data": {}}, "400", False),
        ({"ret": 601, "msg": "", "data": None}, "601", False),
        ({"ret": 602, "msg": "", "data": []}, "602", False),
        ({"ret": 603, "msg": "", "data": {}}, "603", False),
        ({"ret": "604", "msg": "", "data": {}}, "604", False),
        (httpx.Response(404), "404", False),
    ],
)
def test_refusals_are_refusals_and_are_not_repeated(answer, code, extension_fault):
    vendor = Vendor(MakeCall=[answer])
    made = ask(vendor, lambda c: c.make_call(CALL))
    assert (made.outcome, made.code, made.extension_fault) == ("refused", code, extension_fault)
    assert vendor.names().count("MakeCall") == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"ret": 500, "msg": "their fault", "data": {}},
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text='{"ret": 200, "da'),
        httpx.Response(200, json=[]),
        ok(None),
        ok({}),
        httpx.ReadTimeout("late"),
        httpx.ReadError("gone"),
        httpx.RemoteProtocolError("half"),
    ],
    ids=str,
)
def test_a_call_that_may_have_been_made_is_unknown_and_never_repeated(answer):
    vendor = Vendor(MakeCall=[answer])
    made = ask(vendor, lambda c: c.make_call(CALL))
    assert (made.outcome, made.code) == ("unknown", "AmbiguousOutcome")
    assert vendor.names().count("MakeCall") == 1


@pytest.mark.parametrize("answer", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.Response(429)], ids=str)
def test_a_call_that_was_certainly_not_made_may_be_tried_again(answer):
    made = ask(Vendor(MakeCall=[answer]), lambda c: c.make_call(CALL))
    assert (made.outcome, made.code) == ("retry", "VendorUnavailable")


@pytest.mark.parametrize("code", [1012, 1013, 1032])
def test_a_refusal_to_say_what_an_extension_does_is_an_error(code):
    """An extension that is unknown, disabled or against policy is not idle."""
    with pytest.raises(VendorRefused) as caught:
        ask(Vendor(GetSipCallStatus=[ok({"status": 1, "code": code})]), lambda c: c.line_status("1001"))
    assert caught.value.code == str(code)
    assert isinstance(caught.value, ExtensionFault) == (code != 1032)


@pytest.mark.parametrize(
    ("hangup", "duration", "result"),
    [
        ("normal", "12", "connected"),
        ("用户忙", "0", "busy"),
        ("主叫取消", "0", "cancelled"),
        ("未接听", "0", "not_connected"),
    ],
)
def test_a_billed_call_says_how_it_ended(hangup, duration, result):
    (call,) = bill(Vendor(GetBill=[ok({"total": 1, "list": [row(1, hangup=hangup, duration=duration)]})]))
    assert call.result == result


@pytest.mark.parametrize(
    ("code", "status"),
    [(1201, "idle"), ("1202", "ringing"), (1203, "off_hook"), (1204, "talking"), (1014, "not_registered")],
)
def test_line_states(code, status):
    assert ask(Vendor(GetSipCallStatus=[ok({"status": code})]), lambda c: c.line_status("1001")) == status


def test_an_unknown_line_state_is_outside_the_contract():
    with pytest.raises(ContractBreach, match=r"GetSipCallStatus.*1299"):
        ask(Vendor(GetSipCallStatus=[ok({"status": 1299})]), lambda c: c.line_status("1001"))


def row(number, **more):
    return {
        "call_uuid": f"u{number}",
        "extnumber": "1001",
        "destnumber": "13800000001",
        "disnumber": "",
        "starttime": "2026-11-23 09:00:00",
        "duration": "12",
        "hangup": "normal",
        "recordfile": "",
        **more,
    }


def bill(vendor):
    async def read(client):
        day = dt.date(2026, 11, 23)
        first, end = days.day_bounds(day)
        return [call async for call in client.bill(first, end - dt.timedelta(seconds=1))]

    return ask(vendor, read)


def test_the_whole_bill_is_read_page_by_page_with_the_contracts_parameters():
    pages = [ok({"total": 3, "list": [row(1), row(2)]}), ok({"total": "3", "list": [row(3, recordfile="f.mp3")]})]
    vendor = Vendor(GetBill=pages)
    calls = bill(vendor)
    assert [call.call_uuid for call in calls] == ["u1", "u2", "u3"]
    assert (calls[2].duration_s, calls[2].recording_file) == (12, "f.mp3")
    assert calls[0].started_at == dt.datetime(2026, 11, 23, 9, tzinfo=days.SHANGHAI)
    assert vendor.sent[1][1] == {
        "service": "App.Sip_Cdr.GetBill",
        "token": "t-1",
        "starttime": "2026-11-23 00:00:00",
        "endtime": "2026-11-23 23:59:59",
        "syncflag": "3",
        "page": "1",
    }


def test_an_empty_bill_is_empty():
    assert bill(Vendor(GetBill=[ok({"total": 0, "list": []})])) == []


def test_calls_that_moved_between_pages_are_found_by_reading_again():
    pages = [[row(1), row(2)], [row(2)], [row(1), row(2)], [row(3)]]
    vendor = Vendor(GetBill=[ok({"total": 3, "list": page}) for page in pages])
    assert [call.call_uuid for call in bill(vendor)] == ["u1", "u2", "u3"]


def test_a_bill_that_stays_short_is_incomplete():
    with pytest.raises(IncompleteFetch) as caught:
        bill(Vendor(GetBill=[ok({"total": 3, "list": [row(1)]})]))
    assert (caught.value.fetched, caught.value.reported) == (1, 3)


@pytest.mark.parametrize(
    "data",
    [
        {"total": 1},
        {"total": "many", "list": []},
        {"total": 1, "list": [{}]},
        {"total": 1, "list": [row(1, starttime="soon")]},
    ],
)
def test_a_bill_outside_the_contract_names_the_page(data):
    with pytest.raises(ContractBreach, match=r"GetBill.*page 1"):
        bill(Vendor(GetBill=[ok(data)]))


def test_safe_operations_are_repeated_until_they_are_answered():
    answers = [httpx.Response(503), {"ret": 500, "msg": "", "data": {}}, ok({"url": "https://r.example.com/f.mp3"})]
    vendor = Vendor(GetRecodeFile=answers)
    assert ask(vendor, lambda c: c.recording_url("f.mp3")) == "https://r.example.com/f.mp3"
    assert vendor.sent[-1][1]["recordfile"] == "f.mp3"


def test_a_refused_login_names_neither_key_nor_token():
    with pytest.raises(VendorAuthRefused, match="601") as caught:
        ask(Vendor(Login=[{"ret": 601, "msg": "key 'key' unknown", "data": {}}]), lambda c: c.login())
    assert "key'" not in str(caught.value)
