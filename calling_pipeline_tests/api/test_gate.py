"""The API's gate: stored tokens, sessions and their CSRF token, and persons named by a trusted proxy."""

import asyncio
import itertools
from types import SimpleNamespace

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit
from calling_pipeline.access.login import login
from calling_pipeline.access.people.people import add, change, set_password
from calling_pipeline.access.tokens import tokens
from calling_pipeline.api import auth
from calling_pipeline.api.app import create_app
from calling_pipeline.errors import DatabaseUnavailable
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, wait_until

SESSION = "/api/v1/session"
PASSWORD = "correct horse battery"


@pytest.fixture
def ann(engine):
    with engine.begin() as connection:
        add(connection, "Ann", "admin", by="root")
        return set_password(connection, "Ann", PASSWORD, by="root")


@pytest.fixture
def browser(api):
    """A client without a token that keeps cookies."""
    with httpx.Client(base_url=api, timeout=LIMIT_S) as client:
        yield client


def log_in(browser):
    answer = browser.post(SESSION, json={"name": "ann", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer


def token_of(engine, name, **values):
    with engine.begin() as connection:
        return tokens.issue(connection, name, label="", by="root", **values)


def as_bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_stored_token_is_its_persons(engine, ann, browser):
    _, secret = token_of(engine, "ann")
    who = browser.get(SESSION, headers=as_bearer(secret)).json()["data"]
    assert (who["name"], who["role"], who["csrf_token"]) == ("Ann", "admin", "")
    assert browser.post("/api/v1/users/ann/login-link", headers=as_bearer(secret)).status_code == 200


def test_a_token_that_is_revoked_while_it_is_used_is_refused_within_five_seconds(engine, ann, browser, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: now[0]))
    made, secret = token_of(engine, "ann")
    assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 200
    with engine.begin() as connection:
        tokens.revoke(connection, made.id, by="root")
    now[0] += auth.BELIEVED_S + auth._RENEWAL_S
    assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 401
    assert now[0] < 5


@pytest.mark.parametrize("end", ["expired", "disabled", "revoked"])
def test_a_token_that_proves_nobody_any_more_is_refused(engine, ann, browser, end):
    with engine.begin() as connection:
        add(connection, "Bob", "viewer", by="root")
    made, secret = token_of(engine, "bob", valid_days=1)
    with engine.begin() as connection:
        if end == "expired":
            connection.execute(sa.text("UPDATE access_tokens SET expires_at = now() - interval '1 second'"))
        elif end == "disabled":
            change(connection, "bob", {"active": False}, by="root")
        else:
            tokens.revoke(connection, made.id, by="root")
    assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 401


def test_a_tokens_use_is_written_at_most_once_per_minute(engine, ann, browser, monkeypatch):
    monkeypatch.setattr(auth, "BELIEVED_S", 0.0)
    monkeypatch.setattr(auth, "_RENEWAL_S", 0.0)
    _, secret = token_of(engine, "ann")
    seen = set()
    for _ in range(3):
        assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 200
        with engine.begin() as connection:
            seen.add(connection.execute(sa.text("SELECT last_used_at FROM access_tokens")).scalar_one())
    assert len(seen) == 1
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE access_tokens SET last_used_at = last_used_at - interval '61 seconds'"))
    browser.get(SESSION, headers=as_bearer(secret))
    with engine.begin() as connection:
        age = connection.execute(sa.text("SELECT now() - last_used_at < interval '60 seconds' FROM access_tokens"))
        assert age.scalar_one()


def test_what_is_believed_costs_no_query(engine, ann, browser, monkeypatch):
    monkeypatch.setattr(auth, "BELIEVED_S", 10 * LIMIT_S)
    _, secret = token_of(engine, "ann")
    assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 200
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE access_tokens IN ACCESS EXCLUSIVE MODE"))
        assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 200


def test_the_polled_read_is_answered_for_a_stored_token_and_a_session_and_refused_for_a_bound_one(engine, ann, browser):
    with engine.begin() as connection:
        add(connection, "Bob", "viewer", by="root", tenant_id=1)
    _, secret = token_of(engine, "ann")
    _, bound = token_of(engine, "bob")
    asked = "/api/stats/grade-stats?date=2026-01-02"
    assert browser.get(asked, headers=as_bearer(secret)).status_code == 404
    refused = browser.get(asked, headers=as_bearer(bound))
    assert (refused.status_code, "an admin can grant it" in refused.json()["error"]) == (403, True)
    with engine.begin() as connection:
        change(connection, "bob", {"grants": ["statistics"]}, by="root")
    wait_until(lambda: browser.get(asked, headers=as_bearer(bound)).status_code == 404)
    log_in(browser)
    assert browser.get(asked).status_code == 404


def test_a_session_is_a_cookie_that_no_script_and_no_other_site_gets(engine, ann, browser):
    answer = log_in(browser)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("calling_session=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    assert browser.get(SESSION).json()["data"] == answer.json()["data"]


def test_behind_https_the_cookie_is_sent_over_https_only(engine, ann, api_runtime):
    settings = api_runtime.settings.model_copy(update={"public_url": "https://calls.example"})
    with served(create_app(Runtime(settings))) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as browser:
        assert "Secure" in log_in(browser).headers["set-cookie"]


def test_a_change_through_a_session_needs_its_own_csrf_token(engine, ann, browser, api):
    csrf = log_in(browser).json()["data"]["csrf_token"]
    with httpx.Client(base_url=api, timeout=LIMIT_S) as other:
        others = log_in(other).json()["data"]["csrf_token"]
    assert others != csrf
    body = {"name": "Bob", "role": "viewer"}
    for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": others}):
        refused = browser.post("/api/v1/users", json=body, headers=wrong)
        assert (refused.status_code, "X-CSRF-Token" in refused.json()["error"]) == (403, True)
    assert browser.delete(SESSION).status_code == 403
    assert browser.post("/api/v1/users", json=body, headers={"X-CSRF-Token": csrf}).status_code == 201
    assert browser.get("/api/v1/users").status_code == 200


def test_the_csrf_token_may_stand_in_a_form(engine, ann, browser):
    csrf = log_in(browser).json()["data"]["csrf_token"]
    for given, status in ((csrf, 200), ("wrong", 403)):
        answer = browser.post("/api/v1/users/ann/login-link", data={"csrf_token": given})
        assert answer.status_code == status, answer.text


def test_a_session_that_a_stranger_planted_is_not_the_one_that_is_logged_in(engine, ann, browser):
    browser.cookies.set("calling_session", "planted")
    log_in(browser)
    values = {cookie.value for cookie in browser.cookies.jar if cookie.name == "calling_session"}
    with httpx.Client(base_url=browser.base_url, cookies={"calling_session": "planted"}, timeout=LIMIT_S) as stranger:
        assert stranger.get(SESSION).status_code == 401
    assert values != {"planted"}


def test_logging_out_ends_the_session_at_once(engine, ann, browser):
    csrf = log_in(browser).json()["data"]["csrf_token"]
    kept = browser.cookies["calling_session"]
    assert browser.get(SESSION).status_code == 200
    assert browser.delete(SESSION, headers={"X-CSRF-Token": csrf}).status_code == 200
    browser.cookies.set("calling_session", kept)
    assert browser.get(SESSION).status_code == 401
    with engine.begin() as connection:
        assert [row.act for row in audit.entries(connection, act="login.*", limit=9)[0]] == ["login.end", "login.accept"]


@pytest.mark.parametrize("change_it", ["password", "disable", "idle", "expiry"])
def test_a_session_ends_with_its_password_its_person_its_rest_and_its_time(engine, ann, browser, change_it):
    log_in(browser)
    assert browser.get(SESSION).status_code == 200
    with engine.begin() as connection:
        if change_it == "password":
            set_password(connection, "ann", PASSWORD, by="root")
        elif change_it == "disable":
            add(connection, "second", "admin", by="root")
            change(connection, "ann", {"active": False}, by="root")
        elif change_it == "idle":
            connection.execute(sa.text("UPDATE access_sessions SET last_seen_at = now() - interval '2 hours'"))
        else:
            connection.execute(sa.text("UPDATE access_sessions SET expires_at = now()"))
    wait_until(lambda: browser.get(SESSION).status_code == 401)


def test_a_wrong_bearer_token_is_refused_although_a_session_is_there(engine, ann, browser):
    log_in(browser)
    assert browser.get(SESSION, headers=as_bearer("wrong")).status_code == 401


def test_a_login_that_fails_too_often_is_slowed_down_with_429(engine, ann, browser):
    with days.frozen(days.now()):  # the first waits are of seconds, which verifying takes on a busy machine
        answers = [browser.post(SESSION, json={"name": "ann", "password": "wrong"}) for _ in range(8)]
    assert [answer.status_code for answer in answers[:6]] == [401] * 6
    slowed = next(answer for answer in answers if answer.status_code == 429)
    assert int(slowed.headers["Retry-After"]) >= 1
    assert "set-cookie" not in slowed.headers


def test_a_link_logs_in_over_http_once(engine, ann, browser):
    with engine.begin() as connection:
        link = login.make_link(connection, "ann", by="root")
    assert browser.post(SESSION, json={"link": link}).status_code == 200
    assert browser.get(SESSION).json()["data"]["name"] == "Ann"
    again = browser.post(SESSION, json={"link": link})
    assert (again.status_code, "set-cookie" in again.headers) == (401, False)


def proxied(api_runtime, *, proxies=()):
    changes = {"trusted_user_header": "X-Remote-User", "trusted_proxies": list(proxies)}
    return served(create_app(Runtime(api_runtime.settings.model_copy(update=changes))))


def test_a_trusted_proxy_names_a_known_active_person(engine, ann, api_runtime):
    with engine.begin() as connection:
        add(connection, "王芳", "viewer", by="root")
        add(connection, "Gone", "viewer", by="root")
        change(connection, "Gone", {"active": False}, by="root")
    with proxied(api_runtime) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:

        def who(*names):
            headers = [(b"X-Remote-User", name.encode()) for name in names]
            return client.get(SESSION, headers=headers)

        assert who("ann").json()["data"]["name"] == "Ann"
        assert who("王芳").json()["data"]["name"] == "王芳"
        for names in (("Gone",), ("nobody",), ("",), ("ann", "王芳")):
            assert who(*names).status_code == 401, names
        csrf = who("ann").json()["data"]["csrf_token"]
        link, named = "/api/v1/users/ann/login-link", {"X-Remote-User": "ann"}
        assert client.post(link, headers=named).status_code == 403
        assert client.post(link, headers={**named, "X-CSRF-Token": csrf}).status_code == 200


def test_the_header_of_anybody_else_is_not_believed(engine, ann, api_runtime, browser):
    assert browser.get(SESSION, headers={"X-Remote-User": "ann"}).status_code == 401
    with proxied(api_runtime, proxies=["10.0.0.0/8"]) as url:
        answer = httpx.get(
            f"{url}{SESSION}", headers={"X-Remote-User": "ann", "X-Forwarded-For": "10.0.0.1"}, timeout=LIMIT_S
        )
        assert answer.status_code == 401


def test_behind_a_proxy_logins_are_counted_by_the_address_that_it_saw(engine, ann, api_runtime):
    with proxied(api_runtime) as url:
        for passed in ("198.51.100.7", "203.0.113.9, 198.51.100.7", "198.51.100.7, 127.0.0.1"):
            body = {"name": "ann", "password": PASSWORD}
            httpx.post(f"{url}{SESSION}", json=body, headers={"X-Forwarded-For": passed}, timeout=LIMIT_S).raise_for_status()
    with engine.begin() as connection:
        addresses = {row.after["address"] for row in audit.entries(connection, act="login.accept", limit=9)[0]}
    assert addresses == {"198.51.100.7"}


def test_a_token_of_the_settings_is_refused_when_the_person_it_names_is_disabled(engine, ann, api_runtime):
    with engine.begin() as connection:
        add(connection, "Bob", "viewer", by="root")
    grants = {"of-bob": TokenGrant(role="operator", name="bob"), "of-nobody": TokenGrant(role="viewer", name="machine 7")}
    runtime = Runtime(api_runtime.settings.model_copy(update={"api_tokens": grants}))
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        who = client.get(SESSION, headers=as_bearer("of-bob")).json()["data"]
        assert (who["name"], who["role"]) == ("Bob", "operator")
        assert client.get(SESSION, headers=as_bearer("of-nobody")).json()["data"]["name"] == "machine 7"
        with engine.begin() as connection:
            change(connection, "bob", {"active": False}, by="root")
        wait_until(lambda: client.get(SESSION, headers=as_bearer("of-bob")).status_code == 401)


def test_before_the_first_migration_nobody_is_stored_and_the_tokens_of_the_settings_work(engine, ann, browser, admin):
    _, secret = token_of(engine, "ann")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE access_tokens RENAME TO away"))
        connection.execute(sa.text("ALTER TABLE access_sessions RENAME TO away_too"))
    assert browser.get(SESSION, headers=as_bearer(secret)).status_code == 401
    browser.cookies.set("calling_session", "x")
    assert browser.get(SESSION).status_code == 401
    assert admin.get(SESSION).status_code == 200


def test_who_cannot_be_looked_up_is_neither_let_through_nor_refused_for_good(ann, app_settings):
    settings = app_settings.model_copy(update={"database_url": SecretStr("postgresql://u@127.0.0.1:9/x")})
    gate = auth.Gate(settings.model_copy(update={"api_tokens": {}}))
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(gate.caller(auth.Shown(authorization="Bearer something")))


def test_no_secret_is_in_an_answer_of_the_users_endpoints(engine, ann, browser):
    _, secret = token_of(engine, "ann")
    headers = as_bearer(secret)
    browser.put("/api/v1/users/ann/password", json={"password": "another good password"}, headers=headers).raise_for_status()
    shown = [browser.get(path, headers=headers).text for path in ("/api/v1/users", "/api/v1/users/ann", "/api/v1/audit")]
    shown.append(browser.get("/api/v1/users/ann/tokens", headers=headers).text)
    for text, hidden in itertools.product(shown, (secret, "another good password", "$argon2id")):
        assert hidden not in text


def test_what_moves_money_and_the_schema_by_a_persons_hand_is_in_the_audit_log(engine, ann, browser, operator):
    _, secret = token_of(engine, "ann")
    done = {"state": "completed", "credits": 3, "free": False}
    for client, headers in ((browser, as_bearer(secret)), (browser, as_bearer(secret)), (operator, {})):
        client.post(f"/api/tasks/of-{client is operator}", json=done, headers=headers).raise_for_status()
    with engine.begin() as connection:
        (row,) = audit.entries(connection, act="ledger.*", limit=9)[0]
    assert (row.person, row.door, row.subject, row.after["credits"]) == ("Ann", "api", "task:of-False", 3)


def test_a_callers_own_tenant_is_all_they_see_of_the_audit_log(engine, ann, browser):
    with engine.begin() as connection:
        add(connection, "Bob", "operator", by="root", tenant_id=1)
        add(connection, "Cid", "operator", by="root", tenant_id=2)
        add(connection, "Dan", "operator", by="root", tenant_id=1, collector_id=5)
    _, of_bob = token_of(engine, "bob")
    _, of_dan = token_of(engine, "dan")
    seen = browser.get("/api/v1/audit", headers=as_bearer(of_bob)).json()["data"]["items"]
    assert {row["subject"] for row in seen} == {"person:Bob", "person:Dan"}
    assert browser.get("/api/v1/audit?tenant_id=2", headers=as_bearer(of_bob)).status_code == 403
    assert browser.get("/api/v1/audit", headers=as_bearer(of_dan)).status_code == 403
