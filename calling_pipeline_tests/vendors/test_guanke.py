"""Guanke's client against a scripted vendor: the contract to the letter, and everything the vendor does to the client."""

import asyncio
import datetime as dt
import itertools
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.errors import (
    ConfigurationError,
    ContractBreach,
    IncompleteFetch,
    VendorAuthRefused,
    VendorRefused,
    VendorUnavailable,
)
from calling_pipeline.vendors.guanke.client import GuankeClient, split_window
from calling_pipeline.vendors.guanke.token import Credentials
from calling_pipeline_tests.support import run_in_virtual_time

START = dt.datetime(2026, 11, 20, tzinfo=days.SHANGHAI)
END = dt.datetime(2026, 11, 20, 23, 59, 59, tzinfo=days.SHANGHAI)


def record(number: int, **changes) -> dict:
    fields = {
        "id": number,
        "taskId": 7,
        "TaskName": "回访",
        "phone": "138****0000",
        "realPhone": f"138{number:08d}",
        "callTime": 1_795_000_000,
        "callState": 2,
        "duration": 3,
        "grade": None,
        "userId": "a1",
    }
    return {**fields, **changes}


class Vendor:
    """A scripted Guanke. `rows` newest first; `before(page, served)` may change anything or return an answer."""

    def __init__(self, rows: list[dict], before: Callable[[int, int], httpx.Response | None] | None = None) -> None:
        self.rows, self.before, self.extra_total = rows, before, 0
        self.requests: list[httpx.Request] = []
        self.tokens = 0
        self.valid: set[str] = set()
        self.flying = self.most_flying = 0

    def queries(self, path: str = "/task/cdr/all2") -> list[dict[str, str]]:
        return [{k: v[0] for k, v in parse_qs(r.url.query.decode()).items()} for r in self.requests if r.url.path == path]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        await asyncio.sleep(0.001)
        self.flying -= 1
        if request.url.path.startswith("/token"):
            self.tokens += 1
            self.valid.add(f"token-{self.tokens}")
            return httpx.Response(200, json={"code": 200, "message": "OK", "data": {"token": f"token-{self.tokens}"}})
        if request.headers.get("Authorization") not in self.valid:
            return httpx.Response(200, json={"code": 401, "message": "token无效"})
        page = int(request.url.params["page"])
        spoiled = self.before(page, len(self.queries())) if self.before else None
        if spoiled is not None:
            return spoiled
        size = int(request.url.params["pageSize"])
        rows = self.rows[(page - 1) * size : page * size] if size <= 1000 else []
        data = {
            "data": rows,
            "page": page,
            "totalCount": len(self.rows) + self.extra_total,
            "start": 1,
            "end": 2,
            "only": "",
        }
        return httpx.Response(200, json={"code": 200, "message": "OK", "data": data})


def read(vendor: Vendor, credentials: Credentials | None = None, *, concurrency: int = 4, end: dt.datetime = END):
    """All records the client yields, and the proofs."""

    async def run():
        records, proofs = [], []
        client = GuankeClient(
            "http://vendor.test", credentials or Credentials(secret="s3cret"), concurrency=concurrency,
            transport=httpx.MockTransport(vendor),
        )  # fmt: skip
        async with client:
            for reading in client.calls(START, end):
                async for page in reading.pages():
                    records.extend(page)
                proofs.append(reading.summary)
        return records, proofs

    return run_in_virtual_time(run())


def rows(count: int) -> list[dict]:
    return [record(number) for number in range(count, 0, -1)]


def once(answer: httpx.Response, *, on_page: int = 2):
    """Answer `on_page` with `answer` the first time it is asked for."""
    given: list[int] = []

    def before(page: int, served: int) -> httpx.Response | None:
        if page == on_page and not given:
            given.append(page)
            return answer
        return None

    return before


def test_the_secret_is_preferred_and_the_token_is_sent_without_bearer():
    vendor = Vendor(rows(3))
    read(vendor, Credentials(secret="s3cret", username="u", password="p"))
    assert (vendor.requests[0].url.path, vendor.requests[0].url.params["secret"]) == ("/token/secret", "s3cret")
    assert vendor.requests[1].headers["Authorization"] == "token-1"


def test_without_a_secret_user_name_and_password_are_used():
    vendor = Vendor(rows(3))
    read(vendor, Credentials(username="u", password="p"))
    assert vendor.requests[0].url.path == "/token"
    assert dict(vendor.requests[0].url.params) == {"username": "u", "password": "p"}


def test_no_credentials_for_a_vendor_elsewhere_name_the_settings():
    with pytest.raises(ConfigurationError, match="CALLING_GUANKE_SECRET"):
        read(Vendor([]), Credentials())


def test_pages_of_1000_are_read_to_the_reported_total_with_bounded_concurrency():
    vendor = Vendor(rows(12_345))
    records, (proof,) = read(vendor, concurrency=5)
    assert sorted(record.id for record in records) == list(range(1, 12_346))
    assert (proof.reported, proof.distinct, proof.fetched, proof.pages, proof.pages_read_again) == (
        12_345,
        12_345,
        12_345,
        13,
        0,
    )
    assert {query["pageSize"] for query in vendor.queries()} == {"1000"}
    assert (vendor.queries()[0]["startTime"], vendor.queries()[0]["endTime"]) == (
        "2026-11-20 00:00:00",
        "2026-11-20 23:59:59",
    )
    assert 1 < vendor.most_flying <= 5


def test_there_is_no_page_cap():
    records, (proof,) = read(Vendor(rows(213_000)), concurrency=8)
    assert (len(records), proof.pages) == (213_000, 213)


def test_an_empty_window_is_complete():
    assert read(Vendor([]))[1][0].reported == 0


def test_windows_longer_than_seven_days_are_split_without_a_shared_second():
    windows = split_window(START, START + dt.timedelta(days=15))
    assert all(last - first < dt.timedelta(days=7) for first, last in windows)
    assert windows[0][0] == START
    assert windows[-1][1] == START + dt.timedelta(days=15)
    assert all(b[0] - a[1] == dt.timedelta(seconds=1) for a, b in itertools.pairwise(windows))
    vendor = Vendor(rows(2))
    assert len(read(vendor, end=START + dt.timedelta(days=15))[1]) == 3


def test_ids_as_numeric_strings_and_call_times_in_milliseconds_are_understood():
    records, _ = read(Vendor([record(5, id="5", callTime=1_795_000_000_123), record(6)]))
    assert [(r.id, r.called_at_s) for r in records] == [(5, 1_795_000_000), (6, 1_795_000_000)]


@pytest.mark.parametrize("refusal", [httpx.Response(200, json={"code": 401, "message": "x"}), httpx.Response(401)])
def test_a_revoked_token_is_replaced_once_and_the_call_repeated(refusal):
    vendor = Vendor(rows(9_000))
    vendor.before = once(refusal, on_page=3)
    records, _ = read(vendor)
    assert (len(records), vendor.tokens) == (9_000, 2)


def test_many_pages_refused_at_once_cost_one_new_token():
    vendor = Vendor(rows(9_000))

    def before(page, served):
        if page == 2 and vendor.tokens == 1:
            vendor.valid.clear()

    vendor.before = before
    assert len(read(vendor, concurrency=8)[0]) == 9_000
    assert vendor.tokens == 2


def test_a_second_refusal_is_an_error():
    vendor = Vendor(rows(5), lambda page, served: httpx.Response(200, json={"code": 401, "message": "no"}))
    with pytest.raises(VendorAuthRefused):
        read(vendor)
    assert (vendor.tokens, len(vendor.queries())) == (2, 2)


def test_wrong_credentials_name_the_setting_and_never_the_secret():
    async def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": 401, "message": "账号或密码错误"})

    with pytest.raises(VendorAuthRefused, match="CALLING_GUANKE_SECRET") as caught:
        read(refuse)  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.Response(200, content=b'{"code":200,"message":"OK","data":{"data":[{"id":1,"ta'),
        httpx.Response(200, text="<html>busy</html>"),
        httpx.Response(200, json={"code": 500, "message": "系统繁忙", "data": None}),
        httpx.Response(200, json={"code": 500, "message": "系统繁忙", "data": {"data": [], "totalCount": 0}}),
    ],
    ids=["503", "429", "cut off", "no JSON", "code 500", "code 500 with data"],
)
def test_a_failure_that_may_pass_is_retried(answer):
    vendor = Vendor(rows(3_500), once(answer))
    records, (proof,) = read(vendor)
    assert (len(records), proof.retries) == (3_500, 1)


def test_retry_after_is_honoured_by_every_page():
    vendor = Vendor(rows(5_000))
    asked: list[float] = []

    def before(page, served):
        asked.append(asyncio.get_running_loop().time())
        return httpx.Response(429, headers={"Retry-After": "1"}) if len(asked) == 2 else None

    vendor.before = before
    read(vendor, concurrency=1)
    assert asked[2] - asked[1] >= 0.99


def test_a_vendor_that_serves_few_requests_per_second_is_served_at_its_own_pace():
    """Sixteen requests that all come back after the same pause are refused together, page after page, until one gives up."""
    vendor = Vendor(rows(30_000))
    served: list[float] = []
    refused = [0]

    def before(page, count):
        now = asyncio.get_running_loop().time()
        if len([at for at in served if now - at < 0.2]) >= 3:
            refused[0] += 1
            return httpx.Response(429, headers={"Retry-After": "0"})
        served.append(now)
        return None

    vendor.before = before
    records, (proof,) = read(vendor, concurrency=16)
    assert len(records) == 30_000
    assert proof.retries == refused[0] > 0


def test_after_a_429_fewer_requests_are_in_flight():
    vendor = Vendor(rows(60_000))
    refused_at: list[float] = []
    flights: list[int] = []

    def before(page, count):
        now = asyncio.get_running_loop().time()
        if page == 17 and not refused_at:
            refused_at.append(now)
            return httpx.Response(429, headers={"Retry-After": "1"})
        if refused_at and now > refused_at[0] + 0.9:
            flights.append(vendor.flying + 1)
        return None

    vendor.before = before
    read(vendor, concurrency=16)
    assert max(flights[:8]) <= 10


def test_a_lasting_failure_is_raised_as_itself():
    vendor = Vendor(rows(3), lambda page, served: httpx.Response(503, headers={"Retry-After": "0"}))
    with pytest.raises(VendorUnavailable, match="HTTP 503"):
        read(vendor)


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_code_that_says_no_is_not_asked_again(code):
    vendor = Vendor(rows(3), lambda page, served: httpx.Response(200, json={"code": code, "message": "无权限 13812345678"}))
    with pytest.raises(VendorRefused, match=f"code {code}") as caught:
        read(vendor)
    assert "13812345678" not in str(caught.value)
    assert len(vendor.queries()) == 1


def test_rows_that_drift_between_pages_are_found_by_reading_again():
    vendor = Vendor(rows(5_000))
    arrivals = iter(range(900_000, 900_014))

    def before(page, served):
        if page in {2, 4} and served <= 5:
            vendor.rows[:0] = [record(next(arrivals)) for _ in range(7)]

    vendor.before = before
    records, (proof,) = read(vendor, concurrency=3)
    assert sorted(r.id for r in records) == sorted(row["id"] for row in vendor.rows)
    assert proof.reported == proof.distinct == 5_014
    assert proof.pages_read_again > 0


def test_a_total_that_keeps_growing_fails_and_says_by_how_much():
    vendor = Vendor(rows(2_500))

    def before(page, served):
        vendor.extra_total += 1

    vendor.before = before
    with pytest.raises(IncompleteFetch, match=r"2500 different ones .* missing") as caught:
        read(vendor)
    assert caught.value.fetched == 2_500 < caught.value.reported


def test_duplicate_ids_count_once_and_never_make_up_for_a_missing_row():
    doubled = rows(2_000)
    doubled[10] = doubled[11]
    with pytest.raises(IncompleteFetch, match=r"reports 2000 records and 1999 different ones .*1 missing"):
        read(Vendor(doubled))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"callTime": "gestern"}, "callTime"),
        ({"callTime": 5}, "callTime"),
        ({"id": "A17"}, "id"),
        ({"id": None}, "id"),
        ({"callState": 7}, "callState"),
        ({"duration": -4}, "duration"),
        ({"grade": ["9元"]}, "grade"),
        ({"TaskName": 4}, "TaskName"),
    ],
)
def test_a_value_outside_the_contract_names_endpoint_page_and_field(change, field):
    bad = rows(2_400)
    bad[1_203] = record(1, **change)
    with pytest.raises(ContractBreach, match=rf"/task/cdr/all2 .*page 2, row 204.*{field}"):
        read(Vendor(bad))


@pytest.mark.parametrize(
    "body", [{"code": 200, "data": {"data": {}, "totalCount": 1}}, {"code": 200, "data": {"data": []}}, {}]
)
def test_an_answer_of_another_shape_is_a_breach(body):
    with pytest.raises(ContractBreach, match="page 1"):
        read(Vendor(rows(1), lambda page, served: httpx.Response(200, json=body)))


def test_new_and_missing_fields_are_counted_by_name_and_do_no_harm():
    changed = rows(1_500)
    for row in changed[:40]:
        row["aiScore"] = 1
        del row["grade"]
    changed[0].pop("realPhone")
    records, (proof,) = read(Vendor(changed))
    assert len(records) == 1_500
    assert (dict(proof.new_fields), dict(proof.missing_fields)) == ({"aiScore": 40}, {"grade": 40})


def test_optional_fields_may_be_absent_or_null():
    full = record(
        1, province=None, city=None, remark={"a": 1}, params=[1], ext="", isFollow=0, ccId="x", deviceId=3, audio="u"
    )
    _, (proof,) = read(Vendor([full]))
    assert not proof.new_fields
    assert not proof.missing_fields


def test_task_statistics_are_asked_for_one_day_by_task():
    stats = [{"task_id": n, "task_name": "t", "callout_number": 3, "called_number": 2, "success_number": 1,
              "intention_number": 2, "intention_number2": 0} for n in range(1_100)]  # fmt: skip
    vendor = Vendor(stats)

    async def run():
        async with GuankeClient("http://v.test", Credentials(secret="s"), transport=httpx.MockTransport(vendor)) as client:
            reading = client.task_stats(dt.date(2026, 11, 20))
            return [row async for page in reading.pages() for row in page], reading.summary

    found, proof = run_in_virtual_time(run())
    assert (len(found), proof.distinct) == (1_100, 1_100)
    query = vendor.queries("/extension/agent/stat")[0]
    assert (query["start_time"], query["end_time"], query["query_type"]) == ("2026-11-20", "2026-11-20", "20")
