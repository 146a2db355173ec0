"""The Dagster UI under attack, and as people use it: the real web server behind the guard, over HTTP and WebSockets."""

import asyncio
import datetime as dt
import json
from functools import partial

import httpx
import pytest
import websockets

from calling_pipeline import days
from calling_pipeline.access.people import people
from calling_pipeline.access.sessions.tables import access_sessions
from calling_pipeline_tests.support import LIMIT_S, wait_until
from calling_pipeline_tests.ui.conftest import PASSWORD

pytestmark = pytest.mark.timeout(1800)
LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename
    ... on LaunchRunSuccess { run { runId } } ... on UnauthorizedError { message } } }"""
RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }"""
get, post = partial(httpx.get, timeout=LIMIT_S, trust_env=False), partial(httpx.post, timeout=LIMIT_S, trust_env=False)
PERMISSIONS = "{ permissions { permission value } }"
PARAMS = {
    "p": {
        "selector": {"repositoryLocationName": "here", "repositoryName": "__repository__", "jobName": "idle"},
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {"tags": [{"key": "calling/person", "value": "somebody else"}]},
    }
}


def disable(served, name):
    with served.runtime.transaction() as connection:
        people.change(connection, name, {"active": False}, by="test")


def ask(browser, query, variables=None, **more):
    return browser.post("/graphql", json={"query": query, "variables": variables, **more})


def test_nobody_sees_anything_without_a_login(served):
    with served.browser() as browser:
        page = browser.get("/runs?q=1", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/runs%3Fq%3D1")
        for path in ("/graphql?query={version}", "/server_info", "/logs/x/y.out", "/download_debug/x", "/static/x.js"):
            assert browser.get(path).status_code == 401
        assert ask(browser, "{ version }").status_code == 401
        assert browser.post("/report_asset_materialization/thing").status_code == 401
        form = browser.get("/login")
        assert form.status_code == 200
        assert "script" not in form.text
        assert form.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in form.headers["content-security-policy"]


def test_a_probe_learns_under_any_name_whether_the_server_lives_and_is_ready_and_no_more(served):
    with served.browser() as browser:
        for path, said in (("/livez", {"alive": True}), ("/readyz", {"ready": True})):
            answer = browser.get(path, headers={"Host": "10.1.2.3:3000"})
            assert (answer.status_code, answer.json()) == (200, said)
        assert browser.get("/login", headers={"Host": "10.1.2.3:3000"}).status_code == 421


def test_an_operator_launches_a_run_that_carries_their_name_and_is_in_the_audit_log(served):
    oskar = served.person("operator")
    with served.logged_in(oskar) as browser:
        launched = ask(browser, LAUNCH, PARAMS).json()["data"]["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess"
        run = ask(browser, RUN, {"id": launched["run"]["runId"]}).json()["data"]["runOrError"]
        assert {"key": "calling/person", "value": oskar} in run["tags"]
        assert "somebody else" not in str(run)
        ended = ask(
            browser, "mutation($id: String!) { terminateRun(runId: $id) { __typename } }", {"id": launched["run"]["runId"]}
        )
        assert ended.status_code == 200
        ask(
            browser,
            "mutation Several($id: String!) { ...Both } fragment Both on Mutation { deleteRun(runId: $id) { __typename }"
            ' wipeAssets(assetPartitionRanges: [{assetKey: {path: ["thing"]}}]) { __typename } }',
            {"id": "no-such-run"},
        )
    run_id = launched["run"]["runId"]
    assert served.acts(oskar) == [
        ("run.launch", "run:idle"),
        ("run.terminate", f"run:{run_id}"),
        ("run.delete", "run:no-such-run"),
        ("asset.wipe", "asset:thing"),
    ]


def test_a_viewer_looks_and_changes_nothing(served):
    vera = served.person("viewer")
    with served.logged_in(vera) as browser:
        assert "version" in ask(browser, "{ version }").json()["data"]
        assert {one["value"] for one in ask(browser, PERMISSIONS).json()["data"]["permissions"]} == {False}
        refused = ask(browser, LAUNCH, PARAMS)
        assert (refused.status_code, "needs an operator" in refused.json()["error"]) == (403, True)
        hidden = {
            "a second operation": ask(
                browser, f"query Read {{ version }} {LAUNCH.replace('mutation', 'mutation Go')}", PARAMS, operationName="Go"
            ),
            "a fragment": ask(browser, "mutation { ... on Mutation { reloadWorkspace { __typename } } }"),
            "a comment before": ask(browser, "# query\nmutation { reloadWorkspace { __typename } }"),
            "variables as text": browser.post("/graphql", json={"query": LAUNCH, "variables": json.dumps(PARAMS)}),
        }
        assert {name: answer.status_code for name, answer in hidden.items()} == dict.fromkeys(hidden, 403)
        assert browser.post("/report_asset_materialization/thing").status_code == 403
    assert served.acts(vera) == []
    with served.logged_in(served.person("operator")) as browser:
        assert True in {one["value"] for one in ask(browser, PERMISSIONS).json()["data"]["permissions"]}


@pytest.mark.parametrize(
    ("role", "tenant", "why"),
    [("collector", None, "the role collector has no entry"), ("operator", 7, "you are bound to one")],
)
def test_collectors_and_people_of_one_tenant_have_no_entry(served, role, tenant, why):
    with served.logged_in(served.person(role, tenant_id=tenant)) as browser:
        answer = ask(browser, "{ version }")
        assert (answer.status_code, why in answer.json()["error"]) == (403, True)
        assert browser.get("/", headers={"Accept": "text/html"}).status_code == 403


def test_a_foreign_page_changes_nothing_with_the_browsers_cookie(served):
    oskar = served.person("operator")
    with served.logged_in(oskar) as own:
        cookie = {"Cookie": f"calling_session={own.cookies['calling_session']}"}
    seen = get(f"{served.url}/graphql", params={"query": "mutation { reloadWorkspace { __typename } }"}, headers=cookie)
    assert (seen.status_code, seen.json()["error"]) == (405, "nothing is changed by GET; send it by POST")
    twice = get(
        f"{served.url}/graphql?query=mutation%20%7BreloadWorkspace%7B__typename%7D%7D&query=%7Bversion%7D", headers=cookie
    )
    assert twice.status_code == 405
    body = {"query": "mutation { reloadWorkspace { __typename } }"}
    origins = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": served.url.replace("http:", "http://evil.")},
        {},
    ]
    origins.append({"Origin": "http://127.0.0.1:1"})  # another server of this machine
    for origin in origins:
        answer = post(f"{served.url}/graphql", json=body, headers={**cookie, **origin})
        assert (answer.status_code, answer.json()) == (403, {"error": "a page of another address asks for this"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/graphql", "text/plain; application/json"):
        headers = {**cookie, "Origin": served.url, "Content-Type": kind}
        assert post(f"{served.url}/graphql?query=mutation", content=json.dumps(body), headers=headers).status_code == 415
    form = {"name": oskar, "password": "x"}
    assert post(f"{served.url}/login", data=form, headers={"Origin": "http://evil.example"}).status_code == 403
    assert served.acts(oskar) == []


def test_another_name_for_this_server_is_not_answered(served):
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", ""):
        assert get(f"{served.url}/login", headers={"Host": host}).status_code in (400, 421)
    for host in ("localhost", "LOCALHOST:1", "[::1]:3000", "ui.example"):
        assert get(f"{served.url}/login", headers={"Host": host}).status_code == 200


def test_a_token_is_for_programs_and_obeys_the_same_rules(served):
    robot = {"Authorization": "Bearer a-token"}
    answer = post(f"{served.url}/graphql", json={"query": LAUNCH, "variables": PARAMS}, headers=robot)
    assert answer.json()["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert served.acts("robot") == [("run.launch", "run:idle")]
    for token in ("bound", "wrong"):
        refused = get(f"{served.url}/server_info", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code in (401, 403)


def test_a_link_logs_in_once(served):
    address = f"/login?link={served.link(served.person('admin'))}"
    with served.browser() as first, served.browser() as second:
        page = first.get(address)
        cookie = page.headers["set-cookie"]
        assert ("HttpOnly" in cookie, "SameSite=strict" in cookie, "Path=/" in cookie) == (True, True, True)
        assert first.get("/", headers={"Accept": "text/html"}).status_code == 200
        again = second.get(address)
        assert (again.status_code, "used already" in again.text) == (403, True)
        assert second.get("/server_info").status_code == 401


def test_a_session_that_ended_opens_nothing(served):
    oskar = served.person("operator")
    with served.logged_in(oskar) as browser:
        assert browser.get("/server_info").status_code == 200
        with served.runtime.transaction() as connection:
            connection.execute(access_sessions.update().values(expires_at=days.now() - dt.timedelta(minutes=1)))
        wait_until(lambda: browser.get("/server_info").status_code == 401)
    with served.logged_in(oskar) as browser:
        stolen = {"Cookie": f"calling_session={browser.cookies['calling_session']}"}
        assert browser.post("/logout").status_code == 200
        assert get(f"{served.url}/server_info", headers=stolen).status_code == 401
    with served.logged_in(oskar) as browser:
        disable(served, oskar)
        wait_until(lambda: browser.get("/server_info").status_code == 401)


def test_after_the_login_one_stays_on_this_server(served):
    vera = served.person("viewer")
    with served.browser() as browser:
        for where in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", '/"><script>'):
            answer = browser.post("/login", data={"name": vera, "password": PASSWORD, "next": where})
            assert "evil" not in answer.text
            assert "<script" not in answer.text
        assert 'url=/runs"' in browser.post("/login", data={"name": vera, "password": PASSWORD, "next": "/runs"}).text


def test_subscriptions_work_for_our_own_page_and_end_with_the_session(served):
    oskar = served.person("operator")
    with served.logged_in(oskar) as browser:
        cookie = f"calling_session={browser.cookies['calling_session']}"
        run_id = ask(browser, LAUNCH, PARAMS).json()["data"]["launchRun"]["run"]["runId"]

    async def listen(origin, cookies):
        address = served.url.replace("http", "ws") + "/graphql"
        headers = {"Cookie": cookies} if cookies else {}
        return await websockets.connect(
            address,
            origin=origin,
            additional_headers=headers,
            subprotocols=[websockets.Subprotocol("graphql-ws")],
            proxy=None,
            open_timeout=LIMIT_S,
            ping_interval=None,
        )

    async def refused(origin, cookies):
        with pytest.raises(websockets.InvalidStatus) as error:
            await listen(origin, cookies)
        return error.value.response.status_code

    async def closed(socket):
        try:
            while True:
                await asyncio.wait_for(socket.recv(), LIMIT_S)
        except websockets.ConnectionClosed as error:
            return error.rcvd.code

    async def scenario():
        assert await refused("http://evil.example", cookie) == 403
        assert await refused(None, cookie) == 403
        assert await refused(served.url, "") == 403
        async with await listen(served.url, cookie) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            query = "subscription($id: ID!) { pipelineRunLogs(runId: $id) { __typename } }"
            await socket.send(
                json.dumps({"type": "start", "id": "1", "payload": {"query": query, "variables": {"id": run_id}}})
            )
            data = json.loads(await asyncio.wait_for(socket.recv(), LIMIT_S))
            assert data["payload"]["data"]["pipelineRunLogs"]["__typename"] == "PipelineRunLogsSubscriptionSuccess"
            disable(served, oskar)
            assert await closed(socket) == 4401

    asyncio.run(scenario())


def test_a_change_that_cannot_be_noted_is_not_done(served):
    oskar = served.person("operator")
    rule = "ALTER TABLE audit_log ADD CONSTRAINT nothing_more CHECK (act <> 'run.launch') NOT VALID"
    with served.logged_in(oskar) as browser:
        with served.runtime.transaction() as connection:
            connection.exec_driver_sql(rule)
        try:
            assert ask(browser, LAUNCH, PARAMS).status_code == 500
        finally:
            with served.runtime.transaction() as connection:
                connection.exec_driver_sql("ALTER TABLE audit_log DROP CONSTRAINT nothing_more")
        found = ask(browser, "{ runsOrError { ... on Runs { results { tags { key value } } } } }").json()
        assert oskar not in str(found["data"]["runsOrError"]["results"])
