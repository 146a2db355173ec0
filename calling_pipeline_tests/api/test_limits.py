"""What reaches the API: bounded before it is read, answered in one form, logged without data."""

import asyncio
import json
import logging
import socket
from contextlib import closing, contextmanager

import httpx
import pytest
from sqlalchemy import text

from calling_pipeline.api.answers import ACCESS
from calling_pipeline.api.app import create_app
from calling_pipeline.api.dependencies import RuntimeDep
from calling_pipeline.api.operations import Operations
from calling_pipeline.api.refusals import Refusals
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, wait_until

TASKS = "/api/v1/calls/tasks"
IMPORT = "/api/v1/infinity/extensions/import"
JSON = {"Content-Type": "application/json"}


@contextmanager
def connection(url):
    """A raw connection to the API."""
    address = httpx.URL(url)
    with closing(socket.create_connection((address.host, address.port), timeout=LIMIT_S)) as made:
        yield made


def answer_of(raw):
    """Status and document of the answer that comes on a raw connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = raw.recv(65536)
        if not chunk:
            break
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += raw.recv(65536)
    return int(head.split(b" ")[1]), json.loads(body)


def request_head(path, token, **headers):
    lines = [f"POST {path} HTTP/1.1", "Host: api", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("token", ["", "wrong"])
@pytest.mark.parametrize("headers", [{"Content_Length": 100_000_000}, {"Transfer_Encoding": "chunked"}])
def test_without_a_valid_token_the_answer_comes_before_any_of_the_body(api, token, headers):
    with connection(api) as raw:
        raw.sendall(request_head(TASKS, token, **headers))
        status, document = answer_of(raw)
    assert (status, document) == (401, {"success": False, "error": "a known bearer token is needed"})


def test_a_body_that_is_announced_too_large_is_refused_unread(api):
    with connection(api) as raw:
        raw.sendall(request_head(TASKS, "admin-token", Content_Length=65_537))
        assert answer_of(raw) == (413, {"success": False, "error": "the body is larger than 64 KiB"})


def test_a_body_without_a_length_is_counted_while_it_streams(api):
    with connection(api) as raw:
        raw.sendall(request_head(TASKS, "admin-token", Transfer_Encoding="chunked"))
        for _ in range(5):
            raw.sendall(b"4000\r\n" + b"[" * 0x4000 + b"\r\n")
        assert answer_of(raw)[0] == 413


def test_an_import_may_be_larger_and_has_a_limit_too(admin):
    rows = {"config_id": 1, "csv": "number\n" + "1" * 500_000}
    assert admin.post(IMPORT, json=rows).status_code != 413
    with connection(str(admin.base_url)) as raw:
        raw.sendall(request_head(IMPORT, "admin-token", Content_Length=10 * 1024**2 + 1))
        assert answer_of(raw)[0] == 413


def test_the_largest_body_that_is_allowed_is_read(admin):
    body = b'{"name": "' + b"x" * (65_536 - 12) + b'"}'
    assert len(body) == 65_536
    assert admin.post(TASKS, content=body, headers=JSON).status_code == 422


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "not valid JSON"),
        (b"", "Field required"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
        (b'{"a": "\xd6\xd0"}', "not valid JSON"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 levels deep"),
        (b"[" * 60_000, "not valid JSON"),
        (b'{"a": ' + b"9" * 400 + b"}", "a number of more than 40 characters"),
        (b'{"a": "' + b"[" * 40 + b'"}', "a"),
    ],
)
def test_what_is_no_sane_json_is_refused_in_a_sentence(admin, body, sentence):
    answer = admin.post(TASKS, content=body, headers=JSON)
    assert answer.status_code == 422, answer.text
    document = answer.json()
    assert document["success"] is False
    assert sentence in document["error"]
    assert not document["error"].startswith("0:")


def test_true_is_not_the_number_one(admin):
    for body in ({"config_id": True, "number": "801"}, {"config_id": 1.5, "number": "801"}):
        answer = admin.post("/api/v1/infinity/extensions", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "config_id"), answer.text


def test_an_unknown_query_parameter_is_refused_by_name(viewer):
    answer = viewer.get("/api/stats/held", params={"stat": "all"})
    assert answer.status_code == 422
    assert answer.json() == {
        "success": False,
        "error": "there is no such query parameter; this path takes: state",
        "field": "stat",
    }


def test_every_answer_has_the_headers_that_protect_browsers(viewer):
    asked = [
        viewer.get("/healthz"),
        viewer.get("/api/stats/held"),
        viewer.get("/nothing"),
        viewer.delete("/healthz"),
        viewer.get("/openapi.json"),
        viewer.get("/docs"),
        viewer.get("/docs/style.css"),
        viewer.get("/api/stats/held", headers={"Authorization": "Bearer wrong"}),
        viewer.get("/api/stats/grade-stats", params={"date": "2026-13-01"}),
    ]
    assert [answer.status_code for answer in asked] == [200, 200, 404, 405, 200, 200, 200, 401, 422]
    for answer in asked:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "server" not in answer.headers


def test_the_access_log_names_the_path_without_its_values_and_who_called(viewer, caplog):
    with caplog.at_level(logging.INFO, logger=ACCESS):
        viewer.get("/api/v1/infinity/calls/424242")
        viewer.get("/somewhere/13812345678")
        wait_until(lambda: len([record for record in caplog.records if record.name == ACCESS]) == 2)
    lines = [record.getMessage() for record in caplog.records if record.name == ACCESS]
    assert lines[0].startswith("GET /api/v1/infinity/calls/{call_id} 404 ")
    assert lines[0].split()[-1].startswith("viewer-")
    assert lines[1].startswith("GET (no such path) 404 ")
    assert "424242" not in str(lines)
    assert "13812345678" not in str(lines)


def test_a_refused_token_is_logged_without_the_token_and_not_without_end(viewer, caplog):
    for _ in range(5):
        viewer.get("/api/stats/held", headers={"Authorization": "Bearer guessed-token-1"})
    lines = [record.getMessage() for record in caplog.records if "token was refused" in record.getMessage()]
    assert [line.rpartition("number ")[2] for line in lines] == ["1)", "2)", "4)"]
    assert "guessed-token-1" not in caplog.text
    assert "GET /api/stats/held from 127.0.0.1" in lines[0]


def test_an_address_that_guesses_waits_longer_each_time_and_nobody_else_does(monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr("calling_pipeline.api.refusals.asyncio.sleep", sleep)

    async def guess():
        refusals = Refusals()
        for _ in range(10):
            await refusals.note("192.0.2.1", "GET /x", guessed=True)
        await refusals.note("192.0.2.2", "GET /x", guessed=True)
        for _ in range(20):
            await refusals.note("192.0.2.1", "GET /x", guessed=False)
        for number in range(30_000):
            await refusals.note(f"address {number}", "GET /x", guessed=True)
        return len(refusals._counts)

    assert asyncio.run(guess()) == 10_000
    assert waited == [0.25, 0.5, 1.0, 2.0, 4.0]


@contextmanager
def with_routes_that_fail(runtime):
    """The API with a few routes that fail: itself and its address."""
    app = create_app(runtime)

    @app.get("/sleep")
    def sleep(runtime: RuntimeDep) -> None:
        with runtime.transaction() as connection:
            connection.execute(text("SELECT pg_sleep(60)"))

    @app.get("/value")
    def value(runtime: RuntimeDep) -> None:
        with runtime.transaction() as connection:
            connection.execute(text("SELECT CAST(:n AS int)"), {"n": "13812345678901"})

    @app.get("/driver")
    async def driver() -> None:
        async with app.state.pool.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    with served(app) as url:
        yield app, url


@pytest.fixture
def broken(api_runtime):
    with with_routes_that_fail(api_runtime) as made:
        yield made


@pytest.fixture
def hasty(api_runtime):
    """The same with a time limit of its statements that is soon over."""
    limits = {"api_statement_timeout_s": 1.0, "api_lock_timeout_s": 1.0}
    with with_routes_that_fail(Runtime(api_runtime.settings.model_copy(update=limits))) as made:
        yield made


def test_a_statement_that_takes_too_long_is_ended_and_said(hasty):
    for path in ("/sleep", "/driver"):
        answer = httpx.get(hasty[1] + path, timeout=LIMIT_S)
        assert answer.status_code == 503
        assert "did not finish in the time that a request has" in answer.json()["error"]


def test_a_value_that_cannot_be_stored_is_the_callers_error_and_is_not_repeated(broken, caplog):
    answer = httpx.get(broken[1] + "/value", timeout=LIMIT_S)
    assert (answer.status_code, answer.json()["success"]) == (422, False)
    assert "13812345678901" not in answer.text + caplog.text


def test_a_fault_before_the_framework_has_the_promised_form_too(broken):
    app, url = broken
    app.state.gate = None
    answer = httpx.get(f"{url}/api/stats/held", timeout=LIMIT_S)
    assert answer.status_code == 500
    assert answer.json() == {"success": False, "error": "the server failed to answer this request; its log says why"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_requests_beyond_what_is_worked_on_at_once_are_answered_503(api_runtime, monkeypatch):
    monkeypatch.setattr("calling_pipeline.api.limits.AT_ONCE", 0)
    with served(create_app(api_runtime)) as url:
        answer = httpx.get(f"{url}/healthz", timeout=LIMIT_S)
    assert (answer.status_code, answer.json()["success"]) == (503, False)


def test_the_page_of_the_description_is_whole_and_needs_nothing_from_elsewhere(viewer):
    page = viewer.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in viewer.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page.text
    for elsewhere in ("http://", "https://", "//cdn", "<script", "style=", "onclick"):
        assert elsewhere not in page.text
    assert viewer.get("/docs/style.css").headers["Content-Type"].startswith("text/css")


def test_operations_are_found_by_method_and_path(viewer):
    operations = Operations(viewer.get("/openapi.json").json())
    assert operations.of("GET", "/api/v1/infinity/calls/7").template == "/api/v1/infinity/calls/{call_id}"
    assert (
        operations.of("GET", "/api/v1/infinity/configs/tenant/7").template == "/api/v1/infinity/configs/tenant/{tenant_id}"
    )
    assert operations.of("GET", "/api/v1/infinity/calls/7/8") is None
    assert operations.of("TRACE", "/healthz") is None
    assert not operations.of("POST", "/api/v1/infinity/callback/call-record").needs_caller
    assert operations.of("POST", TASKS).needs_caller
