"""The dialling gateway's client: the contract's request to the letter, and what each answer says of the call's outcome."""

import asyncio
import datetime as dt
import json
import socket

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.vendors.dial_gateway import DialGateway, GatewayAccount, Push, PushAnswer
from calling_pipeline_tests.support import LIMIT_S, http

ACCOUNT = GatewayAccount("app", "key", event_code="E1", target_obj_id="T1", sign="signed")
PUSH = Push("20261123100000123", "13812340000", "张三", "工单系统", "宽带", 3)
NOW = dt.datetime(2026, 11, 23, 10, 0, 5, tzinfo=days.SHANGHAI)


def push_to(url: str, *, transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = LIMIT_S) -> PushAnswer:
    async def act() -> PushAnswer:
        async with DialGateway(url, ACCOUNT, timeout_s=timeout_s, transport=transport) as gateway:
            return await gateway.push(PUSH)

    return asyncio.run(act())


def answering(*arguments, **keywords) -> PushAnswer:
    return push_to(
        "http://gateway.test/push", transport=httpx.MockTransport(lambda r: httpx.Response(*arguments, **keywords))
    )


def result(code: object, message: object = "ok") -> dict:
    return {"contractRoot": {"svcCont": {"result": {"resp_code": code, "result_msg": message}}}}


def test_the_request_is_the_contracts_to_the_letter():
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=result("0"))

    with days.frozen(NOW):
        assert push_to("http://gateway.test/api/push?v=1", transport=httpx.MockTransport(answer)).outcome == "done"
    request = seen[0]
    assert (request.method, str(request.url)) == ("POST", "http://gateway.test/api/push?v=1")
    assert {name: request.headers[name] for name in ("X-APP-ID", "X-APP-KEY", "Content-Type")} == {
        "X-APP-ID": "app",
        "X-APP-KEY": "key",
        "Content-Type": "application/json",
    }
    assert json.loads(request.content) == {
        "contract_root": {
            "tcp_cont": {
                "req_time": "20261123100005000",
                "svc_code": "6010020001",
                "api_code": "601002000100001",
                "transaction_id": "",
                "sign": "signed",
                "version": "1.0",
            },
            "svc_cont": {
                "distinct_id": "20261123100000123",
                "properties": {
                    "event_code": "E1",
                    "oper_time": "2026-11-23 10:00:05",
                    "target_obj_type": "1000",
                    "target_obj_id": "T1",
                    "accs_nbr": "13812340000",
                    "contact_nbr": "13812340000",
                    "lan_id": "1600",
                    "cust_name": "张三",
                    "busi_params": {"staff_name": "张三", "sys_name": "工单系统", "order_type": "宽带", "order_nums": 3},
                },
            },
        }
    }


@pytest.mark.parametrize("code", ["0", 0])
def test_success_is_resp_code_zero_in_the_body(code):
    assert answering(200, json=result(code)).outcome == "done"


def test_any_other_resp_code_is_a_final_refusal_with_its_message_and_no_full_number():
    answer = answering(200, json=result("2001", "号码 13812340000 停机"))
    assert (answer.outcome, answer.resp_code, answer.message) == ("refused", "2001", "号码 138****0000 停机")
    assert not answer.not_executed


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"contract_root":{}}', b'{"contractRoot":{"svcCont":{}}}', b"[]",
                                  b'{"contractRoot":{"svcCont":{"result":{"resp_code":null}}}}'])  # fmt: skip
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(body):
    assert answering(200, content=body).outcome == "unknown"


@pytest.mark.parametrize("status", [500, 502, 504, 520, 408])
def test_a_5xx_after_sending_may_hide_a_call(status):
    assert answering(status).outcome == "unknown"


@pytest.mark.parametrize(("status", "headers", "wait"), [(429, {"Retry-After": "7"}, 7.0), (503, {}, None)])
def test_429_and_503_were_not_taken_and_say_how_long_to_wait(status, headers, wait):
    answer = answering(status, headers=headers)
    assert (answer.outcome, answer.retry_after_s, answer.halt) == ("retry", wait, False)


@pytest.mark.parametrize("status", [301, 401, 403, 404])
def test_wrong_credentials_or_address_halt_and_were_not_executed(status):
    answer = answering(status)
    assert (answer.outcome, answer.halt) == ("retry", True)


def test_another_4xx_concerns_this_number_alone():
    answer = answering(400)
    assert (answer.outcome, answer.not_executed, answer.halt) == ("refused", True, False)


def test_a_refused_connection_was_certainly_not_sent():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = push_to(f"http://127.0.0.1:{unused.getsockname()[1]}/push")
    assert (answer.outcome, answer.halt) == ("retry", False)


@pytest.mark.parametrize(
    ("kind", "options", "outcome"),
    [
        ("reset", {}, "unknown"),
        ("cut", {}, "unknown"),
        ("garbage", {}, "unknown"),
        ("hang", {"seconds": 300}, "unknown"),
        ("status", {"status": 502}, "unknown"),
        ("refuse", {"resp_code": "2005"}, "refused"),
    ],
)
def test_a_real_gateways_broken_answers_are_classified(simulator, kind, options, outcome):
    http.delete(simulator.url + "/gateway/_sim/calls")
    simulator.plant(kind, path="/gateway", after=True, **options)
    assert push_to(simulator.url + "/gateway", timeout_s=5.0 if kind == "hang" else LIMIT_S).outcome == outcome


def test_the_simulator_calls_once_a_distinct_id_and_keeps_the_truth(simulator):
    http.delete(simulator.url + "/gateway/_sim/calls")
    assert push_to(simulator.url + "/gateway").outcome == "done"
    assert push_to(simulator.url + "/gateway").outcome == "done"
    calls = simulator.get("/gateway/_sim/calls")
    assert [(call["phone"], call["requests"]) for call in calls] == [("13812340000", 2)]
    assert simulator.get("/gateway/_sim/requests")["malformed"] == []


def test_the_simulator_names_what_breaks_the_contract(simulator):
    headers = {"X-APP-ID": "a", "X-APP-KEY": "k"}
    answer = http.post(simulator.url + "/gateway", json={"contract_root": {}}, headers=headers).json()
    assert answer["contractRoot"]["svcCont"]["result"]["resp_code"] == "1001"


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_request_has_the_gateways_own_words_but_no_page_and_no_number(status):
    said = answering(status, text='{"error": "event_code\n missing for 13800000001"}').message
    assert said == f'HTTP {status}: {{"error": "event_code missing for 138****0001"}}'
    assert answering(status, text="<html>nginx</html>").message == f"HTTP {status}"
    assert answering(status).message == f"HTTP {status}"
    assert len(answering(status, text="x" * 5000).message) == 200
