"""The pages of configurations over HTTP: every field, secrets that are only written, a test before saving, limits."""

import re

import pytest

from calling_pipeline_tests.console.telephony import CONFIG, KEY, acts, centre


@pytest.fixture
def office(console, simulator):
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    with centre(console, simulator) as made:
        yield made


def test_a_configuration_is_made_shown_and_changed_without_showing_a_secret(console, office, as_role):
    admin = as_role("admin")
    office.change(enabled=False)
    form = {**CONFIG, "api_url": "https://8.8.8.8/api", "access_key": "a-very-secret-key", "tenant_id": "1", "enabled": "1"}
    made = admin.post("/telephony/configurations/new", data=form)
    assert made.status_code == 200, made.text
    secret = re.search(r'data-testid="shown-once">([^<]+)<', made.text)[1]
    assert "a-very-secret-key" not in made.text
    ((config_id, rules, limit),) = office.rows(
        "SELECT id, contact_rules, calls_per_hour FROM infinity_configs WHERE name = 'second'"
    )
    kinds = ["mobile", "land_line"]
    assert rules == {"preset": "list_only", "countries": ["CN", "HK"], "number_kinds": kinds, "hours": "09:00-20:00"}
    assert limit == 100
    one = f"/telephony/configurations/{config_id}"
    for address in (one, f"{one}/edit", "/telephony/configurations", "/telephony"):
        text = admin.get(address).text
        for hidden in ("a-very-secret-key", "-key", secret, secret[-4:] + "<"):
            assert hidden not in text, address
    edit = admin.get(f"{one}/edit").text
    assert 'value="CN, HK"' in edit
    assert re.search(r'name="access_key" type="password" value=""', edit)
    before = office.rows("SELECT access_key_sealed FROM infinity_configs WHERE id = %(id)s", id=config_id)
    changed = admin.post(f"{one}/edit", data={**form, "access_key": "", "name": "third", "calls_per_hour": ""})
    assert changed.status_code == 303, changed.text
    assert office.rows("SELECT access_key_sealed FROM infinity_configs WHERE id = %(id)s", id=config_id) == before
    assert office.rows("SELECT name, calls_per_hour FROM infinity_configs WHERE id = %(id)s", id=config_id) == [
        ("third", None)
    ]
    moved = admin.post(f"{one}/edit", data={**form, "access_key": "", "api_url": "https://8.8.4.4/api"})
    assert (moved.status_code, "重新填写访问密钥" in moved.text) == (422, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "name 必须有 1–200 个可见字符"),
        ({"api_url": "ftp://x"}, "接口地址必须是"),
        ({"ring_timeout_s": "5"}, "ring_timeout_s 必须在 10 与 300 之间"),
        ({"cool_down_s": "-1"}, "cool_down_s 必须是 0 或以上的整数"),
        ({"caller_numbers": "12"}, "外显号码：每个 3–20 位数字"),
        ({"more_rules": "{"}, "其他规则不是 JSON"),
        ({"more_rules": "[]"}, "其他规则请写成"),
        ({"more_rules": '{"colour": 1}'}, "拨打规则没有"),
        ({"countries": "germany"}, "拨打规则 countries"),
        ({"access_key": ""}, "请填写访问密钥"),
        ({"tenant_id": ""}, "请指定租户"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_said_in_chinese(office, as_role, change, said):
    form = {**CONFIG, "api_url": "https://8.8.8.8/api", "access_key": "k", "tenant_id": "5", **change}
    answer = as_role("admin").post("/telephony/configurations/new", data=form)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert office.rows("SELECT count(*) FROM infinity_configs") == [(1,)]


def test_a_connection_is_tried_before_saving_and_after(office, as_role, simulator):
    admin = as_role("admin")
    form = {"api_url": f"{simulator.url}/infinity/api", "app_id": "app", "access_key": KEY}
    assert "连接成功" in admin.post("/telephony/configurations/test", data=form).text
    wrong = admin.post("/telephony/configurations/test", data={**form, "access_key": "wrong"})
    assert "应用 ID 或访问密钥未获授权" in wrong.text
    assert ">wrong<" not in wrong.text
    assert "请填写访问密钥" in admin.post("/telephony/configurations/test", data={**form, "access_key": ""}).text
    assert office.rows("SELECT count(*) FROM infinity_configs") == [(1,)]
    one = f"/telephony/configurations/{office.config_id}"
    kept_key = admin.post(f"{one}/edit/test", data={**form, "access_key": ""})
    assert "连接成功" in kept_key.text
    elsewhere = {**form, "access_key": "", "api_url": "https://8.8.8.8/"}
    assert "重新填写访问密钥" in admin.post(f"{one}/edit/test", data=elsewhere).text
    assert "连接成功" in as_role("operator").post(f"{one}/test").text
    office.change(access_key="wrong")
    assert "连接失败" in as_role("operator").post(f"{one}/test").text


def test_secrets_of_callbacks_are_replaced_and_paths_made_and_closed(office, as_role):
    admin = as_role("admin")
    one = f"/telephony/configurations/{office.config_id}"
    rotated = admin.post(f"{one}/rotate", data={"overlap_h": "2"})
    assert 'data-testid="shown-once"' in rotated.text
    assert office.rows("SELECT previous_secret_until > now() + interval '1 hour' FROM infinity_configs") == [(True,)]
    assert admin.post(f"{one}/rotate", data={"overlap_h": "x"}).status_code == 422
    made = admin.post(f"{one}/callback-path", data={"addresses": "203.0.113.7, 203.0.113.0/28"})
    path = re.search(r'data-testid="shown-once">([^<]+)<', made.text)[1]
    assert "/api/v1/infinity/callback/call-record/" in path
    shown = admin.get(one).text
    assert "203.0.113.7/32, 203.0.113.0/28" in shown
    assert path.rpartition("/")[2] not in shown
    assert "请填写回调的来源地址" in admin.post(f"{one}/callback-path", data={"addresses": " "}).text
    assert admin.post(f"{one}/callback-path/close").status_code == 303
    assert "只接受有签名的回调" in admin.get(one).text


def test_limits_are_shown_against_use_and_a_configuration_is_disabled_and_deleted(office, as_role):
    office.change(calls_per_hour=1)
    office.call(1)
    admin = as_role("admin")
    one = f"/telephony/configurations/{office.config_id}"
    page = admin.get(one).text
    assert re.search(r'data-testid="limit-calls_per_hour">.*?>1<.*?>1<.*?已达上限', page, re.DOTALL)
    assert admin.post(f"{one}/status", data={"enabled": "false"}).status_code == 303
    assert office.rows("SELECT enabled FROM infinity_configs") == [(False,)]
    open_call = admin.post(f"{one}/delete", data={"reason": "moved"})
    assert (open_call.status_code, "还有未结束的通话" in open_call.text) == (409, True)
    fence = office.rows("SELECT fence FROM extension_pool WHERE state = 'in_use'")[0][0]
    held = office.rows("SELECT id FROM extension_pool WHERE state = 'in_use'")[0][0]
    admin.post(f"/telephony/extensions/{held}/release", data={"fence": fence, "reason": "x"})
    assert admin.post(f"{one}/delete").status_code == 422
    assert admin.post(f"{one}/delete", data={"reason": "moved"}).status_code == 303
    assert acts(office, "config.delete") == [("console", "moved")]
