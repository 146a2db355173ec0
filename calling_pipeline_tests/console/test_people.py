"""The pages of people over HTTP: making, changing and disabling, what is shown once, and one's own login."""

import re

import httpx
import pytest

from calling_pipeline.access.audit import store as audit
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people
from calling_pipeline.api.auth import SESSION_COOKIE
from calling_pipeline_tests.support import LIMIT_S, wait_until

EVIL = '"><img src=x onerror=alert(1)>{{7*7}}'
PASSWORD = "correct horse battery"


@pytest.fixture
def admin(as_role):
    return as_role("admin")


@pytest.fixture
def transaction(console):
    return console.runtime.transaction


@pytest.fixture
def browser(console):
    """A browser without script, logged in by a link."""
    clients = []

    def opened(name, role="viewer", **person):
        client = httpx.Client(base_url=console.url, timeout=LIMIT_S, follow_redirects=True, headers={"Accept": "text/html"})
        clients.append(client)
        client.get(console.link(name, role, **person)).raise_for_status()
        return client

    yield opened
    for client in clients:
        client.close()


def sent(client, path, **data):
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', client.get("/me").text)[1]
    return client.post(path, data={"csrf_token": token, **data})


def made(admin, **values):
    answer = admin.post("/people/add", data={"name": "Li Wei", "role": "viewer", "language": "en", **values})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def acts(transaction, act="*"):
    with transaction() as connection:
        rows, _ = audit.entries(connection, act=act, limit=50)
        return [(row.act, row.subject, row.door, row.reason) for row in rows]


def test_a_person_is_made_changed_disabled_and_enabled_and_each_act_is_noted(admin, transaction):
    where = made(admin, tenant_id="3", grants=["policy", "batches"])
    page = admin.get(where).text
    assert "Li Wei" in page
    assert "外呼批次、拨打规则" in page
    changed = {"role": "operator", "tenant_id": "", "language": "zh", "reason": "from July on"}
    assert admin.post(f"{where}/change", data=changed).status_code == 303
    assert 'data-testid="person-role">操作员' in admin.get(where).text
    assert admin.post(f"{where}/disable", data={"reason": "left"}).status_code == 303
    assert "已停用" in admin.get(where).text
    assert admin.post(f"{where}/enable", data={"reason": "came back"}).status_code == 303
    assert [(act, reason) for act, _, door, reason in acts(transaction, "person.*") if door == "console"] == [
        ("person.enable", "came back"),
        ("person.disable", "left"),
        ("person.change", "from July on"),
        ("person.add", ""),
    ]


def test_what_a_person_cannot_be_is_said_in_chinese_and_nobody_is_made(admin, transaction):
    for values, said in (
        ({"name": " "}, "用户名为 1 到 60 个字符"),
        ({"role": "boss"}, "请选择角色"),
        ({"collector_id": "7"}, "请同时填写租户"),
        ({"tenant_id": "x"}, "请填写正整数"),
        ({"grants": ["people"]}, "不能单独开放"),
        ({"language": "fr"}, "请选择语言"),
    ):
        answer = admin.post("/people/add", data={"name": "a", "role": "viewer", "language": "zh", **values})
        assert answer.status_code == 422
        assert said in answer.text
    assert acts(transaction, "person.add") == []
    made(admin)
    again = admin.post("/people/add", data={"name": "LI WEI", "role": "viewer", "language": "zh"})
    assert (again.status_code, "已有名为 LI WEI 的人员" in again.text) == (409, True)


def test_the_last_admin_of_all_tenants_stays(admin, transaction):
    with transaction() as connection:
        only = people.ensure_admin(connection) or people.find(connection, "admin")
    for path, data in (("disable", {"reason": "x"}), ("change", {"role": "viewer", "language": "zh", "reason": "x"})):
        refused = admin.post(f"/people/{only.id}/{path}", data=data)
        assert refused.status_code == 409
        assert "唯一可用的全租户管理员" in refused.text


def test_a_login_link_is_shown_once_works_once_and_stands_nowhere_else(admin, transaction, console, caplog):
    where = made(admin)
    answer = admin.post(f"{where}/login-link")
    link = re.search(r'data-testid="secret"[^>]*value="([^"]+)"', answer.text)[1]
    secret = link.partition("link=")[2]
    assert len(secret) == 43
    assert answer.headers["cache-control"] == "no-store"
    assert secret not in admin.get(where).text
    assert secret not in admin.get("/audit?subject=person:*").text
    with transaction() as connection:
        assert secret not in str(audit.entries(connection, limit=50))
    with httpx.Client(base_url=console.url, timeout=LIMIT_S, follow_redirects=True) as theirs:
        assert theirs.get(f"/login?link={secret}").status_code == 200
        assert "Li Wei" in theirs.get("/me").text
    assert httpx.get(f"{console.url}/login?link={secret}", timeout=LIMIT_S).status_code == 403
    assert secret not in caplog.text


def test_a_token_is_shown_once_used_and_revoked(admin, transaction, console):
    where = made(admin)
    answer = admin.post(f"{where}/tokens/add", data={"label": EVIL, "valid_days": "30"})
    token = re.search(r'data-testid="secret"[^>]*value="([^"]+)"', answer.text)[1]
    page = admin.get(where).text
    assert token not in page
    assert "<img src=x" not in page
    assert token not in admin.get("/audit").text
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{console.url}/me", headers=headers, timeout=LIMIT_S).status_code == 200
    revoke = re.search(r'href="(/people/\d+/tokens/\d+/revoke)"', page)[1]
    assert admin.post(revoke, data={"reason": "leaked"}).status_code == 303
    wait_until(lambda: httpx.get(f"{console.url}/me", headers=headers, timeout=LIMIT_S).status_code == 303)
    assert "已吊销" in admin.get(where).text
    assert admin.post(f"{where}/tokens/add", data={"valid_days": "0"}).status_code == 422
    assert admin.post(f"{where}/tokens/99999/revoke", data={"reason": "x"}).status_code == 404


def test_a_disabled_person_is_out_within_seconds(admin, browser, console):
    client = browser("wang", "operator")
    assert client.get("/me").url.path == "/me"
    with console.runtime.transaction() as connection:
        person = people.find(connection, "wang")
    admin.post(f"/people/{person.id}/disable", data={"reason": "left"})
    wait_until(lambda: client.get("/me").url.path == "/login")


def test_the_list_is_filtered_sorted_and_exported(admin, transaction):
    with transaction() as connection:
        for n in range(60):
            people.add(connection, f"person {n:02}", "viewer" if n % 2 else "collector", by="x", tenant_id=n % 3 + 1)
        people.change(connection, "person 05", {"active": False}, by="x")
    assert "共 30 行" in admin.get("/people?role=viewer").text
    assert "共 1 行" in admin.get("/people?state=disabled").text
    assert "共 20 行" in admin.get("/people?tenant=2").text
    page = admin.get("/people?name=PERSON&sort=-name").text
    assert page.index("person 59") < page.index("person 58")
    assert len(admin.get("/people?name=person&form=csv").text.splitlines()) == 61


def test_who_came_by_a_link_sets_a_first_password_and_later_needs_the_old_one(browser, console, transaction):
    client = browser("wang", "viewer")
    other = browser("wang", "viewer")
    assert 'data-testid="no-password"' in client.get("/me").text
    assert "两次输入的密码不一致" in sent(client, "/me/password", password=PASSWORD, again="x").text
    assert sent(client, "/me/password", password="short", again="short").status_code == 422
    done = sent(client, "/me/password", password=PASSWORD, again=PASSWORD)
    assert "密码已修改，另有 1 个会话已退出" in done.text
    assert client.get("/me").url.path == "/me"
    wait_until(lambda: other.get("/me").url.path == "/login")
    assert "当前密码不正确" in sent(client, "/me/password", old="wrong", password=PASSWORD, again=PASSWORD).text
    assert login.by_password(console.runtime.engine, "wang", PASSWORD, address="x").person.name == "wang"
    assert PASSWORD not in str(acts(transaction))


def test_one_s_own_sessions_are_seen_and_ended_and_nobody_else_s(browser):
    client, other, stranger = browser("wang"), browser("wang"), browser("zhao")
    assert client.get("/me").text.count('data-testid="end-session"') == 1
    theirs = re.search(r'action="(/me/sessions/\d+/end)"', client.get("/me").text)[1]
    assert sent(stranger, theirs).status_code == 404
    assert "已结束 1 个会话" in sent(client, theirs).text
    wait_until(lambda: other.get("/me").url.path == "/login")
    assert client.cookies[SESSION_COOKIE]
    assert client.get("/me").url.path == "/me"


def test_one_s_language_is_kept_and_replaces_the_browser_s(browser, transaction):
    client = browser("wang", language="zh")
    client.post("/preferences", data={"language": "zh"})
    assert "Your language is kept" in sent(client, "/me/language", language="en").text
    assert "My login" in client.get("/me").text
    with transaction() as connection:
        assert people.find(connection, "wang").language == "en"
    assert sent(client, "/me/language", language="fr").status_code == 422


def test_a_token_of_the_settings_has_no_page_of_its_own(as_role):
    answer = as_role("viewer").get("/me")
    assert (answer.status_code, "配置文件里的令牌" in answer.text) == (404, True)
