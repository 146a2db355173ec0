"""The `notify` commands as people and scripts call them."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from calling_pipeline.cli.main import main
from calling_pipeline_tests.notifications.world import ROBOTS, USERS, row, statuses, write_ledger
from calling_pipeline_tests.support import LIMIT_S, http


@pytest.fixture
def cli(app_settings, simulator, judge):
    def call(*arguments, **environment):
        settings = {
            "CALLING_DATABASE_URL": app_settings.database_url.get_secret_value(),
            "CALLING_SECRET_KEY": app_settings.secret_key.get_secret_value(),
            "CALLING_WECOM_BASE_URL": f"{simulator.url}/wecom",
            "CALLING_WECOM_TIMEOUT_S": str(LIMIT_S),
            "CALLING_METABASE_URL": f"{simulator.url}/metabase",
            "CALLING_WECOM_ROBOTS": json.dumps(ROBOTS),
            "CALLING_WECOM_USERS": json.dumps(USERS),
        }
        result = CliRunner().invoke(main, ["notify", *map(str, arguments)], env=settings | environment)
        return result.exit_code, json.loads(result.stdout) if "--json" in arguments else result.output

    return call


def test_run_answers_with_one_json_document(cli, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1, award="1"), row(2, notified="x")])
    code, document = cli("run", "--ledger", path, "--json")
    assert (code, document["messages"], document["delivered"], document["written_back"]) == (0, 2, 2, 1)
    assert document["ledgers"][0]["parked"][0]["line"] == 3
    assert sorted(to for to, _ in judge.messages()) == ["robot:key-bj", "user:boss-bj"]
    code, document = cli("run", "--ledger", path, "--json")
    assert (code, document["messages"], document["delivered"]) == (0, 0, 0)


def test_run_for_people_names_lines_and_counts(cli, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2), row(2, 备注="无")])
    code, text = cli("run", "--ledger", path)
    assert code == 0
    assert "line 3 not used: 合同ID(_id) id-2 stands in lines 3, 4, which differ in 备注" in text
    assert "1 delivered, 0 unknown, 0 given up; 1 contracts set to Y" in text


def test_wrong_usage_is_2_and_a_failure_is_1_in_one_sentence(cli, tmp_path):
    assert cli("run", "--ledger")[0] == 2
    assert cli("settle", "--as", "delivered")[0] == 2
    assert cli("import-legacy")[0] == 2
    code, text = cli("run")
    assert (code, "CALLING_CONTRACT_LEDGERS" in text) == (1, True)
    code, document = cli("run", "--ledger", tmp_path / "none.csv", "--json")
    assert code == 1
    assert "does not exist" in document["errors"][0]


def test_robots_by_any_name_serve_when_there_is_only_one(cli, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1)])
    assert cli("run", "--ledger", path, CALLING_WECOM_ROBOTS='{"运营群": "k"}')[0] == 0
    assert [to for to, _ in judge.messages()] == ["robot:k"]


def test_a_campaigns_file_decides_group_contact_awards_and_the_elite_badge(cli, judge, tmp_path):
    plan = tmp_path / "campaigns.toml"
    plan.write_text(
        """
        [[campaign]]
        name = "all"
        [[campaign]]
        name = "beijing"
        city = "北京"
        group = "北京精英群"
        contact = "奖励"
        awards = { "达标奖" = 200 }
        [campaign.elite]
        badge = "【精英】"
        housekeepers = ["管家1"]
        """
    )
    path = write_ledger(tmp_path / "c.csv", [row(1, award="1"), row(2, award="1"), row(3, city="上海", award="1")])
    robots, users = {"北京精英群": "elite", "上海": "sh"}, {"奖励": "boss", "上海": "boss-sh"}
    code, _ = cli(
        "run", "--ledger", path,
        CALLING_CAMPAIGNS_FILE=str(plan), CALLING_WECOM_ROBOTS=json.dumps(robots), CALLING_WECOM_USERS=json.dumps(users),
    )  # fmt: skip
    assert code == 0
    said = {(to, text.split("\n")[0][:4]): text for to, text in judge.messages()}
    boss = sorted(text for (to, _), text in said.items() if to == "user:boss")
    assert "获得签约奖励 200 元（精英双倍，共 400 元）" in boss[0]
    assert boss[0].startswith("【精英】管家1")
    assert "双倍" not in boss[1]
    assert ("robot:elite" in {to for to, _ in said}, "双倍" in said["user:boss-sh", "管家3 "]) == (True, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[campaign]]\nname="a"\ncity="上海"\n[campaign.elite]\nbadge="x"\nhousekeepers=[]', "exist in 北京 only"),
        ('[[campaign]]\nname="a"\n[[campaign]]\nname="a"', "stands in the file twice"),
        ('[[campaign]]\nname="a"\nmonth="2026-13"', "campaign.0.month"),
        ('[[campaign]]\nname="a"\ncolour="red"', "campaign.0.colour"),
        ("[[campaign", "is not TOML"),
    ],
)
def test_a_wrong_campaigns_file_says_what_is_wrong(cli, tmp_path, text, reason):
    plan = tmp_path / "campaigns.toml"
    plan.write_text(text)
    code, said = cli("run", "--ledger", write_ledger(tmp_path / "c.csv", [row(1)]), CALLING_CAMPAIGNS_FILE=str(plan))
    assert (code, reason in said) == (1, True), said


def test_held_messages_are_shown_settled_and_redriven_by_command(cli, judge, simulator, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2, city="上海")])
    judge.rules(bad_keys=["key-sh"])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=2)
    code, document = cli("run", "--ledger", path, "--json")
    assert (code, document["unknown"], document["dead"]) == (1, 1, 1)
    _, document = cli("status", "--json")
    held = {message["state"]: message["id"] for message in document["contracts"]["held"]}
    assert cli("settle", held["unknown"], "--as", "delivered", "--why", "seen")[0] == 0
    assert cli("settle", held["unknown"], "--as", "delivered")[0] == 1
    judge.rules(bad_keys=[])
    assert cli("redrive", held["dead"])[0] == 0
    assert cli("redrive", held["dead"])[0] == 1
    assert cli("run", "--ledger", path)[0] == 0
    assert set(statuses(path).values()) == {"Y"}
    assert len(judge.messages()) == 2
    _, document = cli("status", "--json")
    assert document["contracts"]["counts"] == {"delivered": 2}


def test_a_preview_a_missing_robot_and_the_status_after_it(cli, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2, city="广州"), row(3, city="广州"), row(4, 管家累计金额="??")])
    code, text = cli("preview", "--ledger", path)
    assert code == 1
    for part in (
        "line 2, id-1: group message to robot:北京",
        "签约合同 YHWX-北京-00001",
        "line 5 is parked: 管家累计金额 is '??'",
    ):
        assert part in text
    code, document = cli("preview", "--ledger", path, "--json")
    assert (len(document["messages"]), judge.messages()) == (1, [])
    code, text = cli("run", "--ledger", path)
    assert (code, "1 delivered, 0 unknown, 0 given up" in text) == (1, True)
    _, text = cli("status")
    assert "contracts: 2 parked: no robot for 广州; set CALLING_WECOM_ROBOTS (c.csv line 3, 4)" in text
    assert "last 30 days: 100.0 % of 1 delivered" in text
    assert "0 sent twice, 0 sent again by order" in text
    assert "send_wecom_message" not in text + cli("messages")[1]


def test_n_set_back_is_asked_about_sent_again_and_kept_by_command(cli, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2)])
    cli("run", "--ledger", path)
    write_ledger(path, [row(1), row(2)])
    cli("run", "--ledger", path)
    _, text = cli("status")
    assert "contract id-1: 是否发送通知 was set back to N on line 2; `notify resend id-1 --why …` sends it again" in text
    assert cli("resend", "id-1")[0] == 2
    code, text = cli("resend", "id-1", "--why", "the wrong group")
    assert (code, "contract id-1: messages 3 wait to be sent" in text) == (0, True)
    assert "nothing is sent again" in cli("resend", "id-1", "--why", "the wrong group")[1]
    assert cli("resend", "id-1", "--why", "another reason")[0] == 1
    assert cli("keep", "id-2", "--why", "a mistake")[0] == 0
    assert cli("keep", "--all", "--json")[1] == {"contracts": []}
    cli("run", "--ledger", path)
    assert statuses(path) == {"id-1": "Y", "id-2": "Y"}
    assert len(judge.messages()) == 3
    _, document = cli("messages", "--contract", "id-1", "--json")
    assert [message["state"] for message in document["messages"]] == ["delivered", "delivered"]


def test_many_messages_are_looked_at_before_anything_is_decided_about_them(cli, judge, simulator, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2)])
    judge.rules(bad_keys=["key-sh"])
    simulator.plant("errcode", path="webhook/send", errcode=-1, after=True, times=2)
    cli("run", "--ledger", path)
    write_ledger(path, [row(1), row(2), row(3, city="上海")])
    cli("run", "--ledger", path)
    settle = ("settle", "--state", "unknown", "--robot", "北京", "--as", "delivered")
    assert "look first with a dry run" in cli(*settle)[1]
    code, text = cli(*settle, "--dry-run")
    assert (code, "2 messages would be settled as delivered" in text, "do it with --expect 2" in text) == (0, True, True)
    assert cli(*settle, "--expect", "3")[0] == 1
    assert cli(*settle, "--expect", "2", "--json")[1]["ids"] == [1, 2]
    assert cli("redrive", "17", "--cause", "errcode 93000")[0] == 2
    code, text = cli("redrive", "--cause", "errcode 93000", "--dry-run")
    assert (code, "1 messages would be put back into the queue" in text) == (0, True)
    judge.rules(bad_keys=[])
    assert cli("redrive", "--cause", "errcode 93000", "--expect", "1")[0] == 0
    assert cli("run", "--ledger", path)[0] == 0
    assert set(statuses(path).values()) == {"Y"}
    assert len(judge.messages()) == 3


def test_rebuild_makes_a_lost_a_spoilt_and_a_wrong_file_right(cli, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(1), row(2), row(3, notified="Y")])
    cli("run", "--ledger", path)
    right = path.read_bytes()
    path.unlink()
    assert cli("rebuild", "--ledger", path, "--json")[1]["made_anew"]
    assert path.read_bytes() == right
    path.write_bytes(right.replace(b",Y,", b",N,"))
    assert cli("rebuild", "--ledger", path, "--json")[1]["set_yes"] == 2
    path.write_bytes(b"rubbish")
    assert cli("rebuild", "--ledger", path)[0] == 1
    assert cli("rebuild", "--ledger", path, "--from-kept")[0] == 0
    assert statuses(path) == {"id-1": "Y", "id-2": "Y", "id-3": "Y"}
    assert cli("rebuild", "--ledger", tmp_path / "unknown.csv")[0] == 1


def test_the_old_state_is_taken_over_without_sending_anything_twice(cli, judge, tmp_path):
    rows = [row(1, notified="Y"), row(2, notified="Y"), row(3, notified="Y"), row(4), row(5), row(6)]
    path = write_ledger(tmp_path / "c.csv", rows)
    old = tmp_path / "send_status.json"
    old.write_text(
        json.dumps({"id-1": "发送成功", "id-3": "发送失败", "id-4": "发送成功", "id-5": "发送失败", "id-99": "发送成功"})
    )
    command = ("import-legacy", "--ledger", path, "--send-status", old, "--json")
    code, document = cli(*command)
    done = document["contracts"]
    assert (code, done["delivered"], done["unknown"], done["left_open"]) == (0, 2, 2, 2)
    assert {c["contract_id"] for c in done["contradictions"]} == {"id-2", "id-3", "id-4", "id-99"}
    again = cli(*command)[1]["contracts"]
    assert (again["delivered"], again["unknown"]) == (0, 0)
    assert judge.messages() == []
    cli("run", "--ledger", path)
    assert sorted(text.split("YHWX-北京-")[1][:5] for _, text in judge.messages()) == ["00005", "00006"]
    assert statuses(path) == {"id-1": "Y", "id-2": "Y", "id-3": "Y", "id-4": "N", "id-5": "Y", "id-6": "Y"}


CHANGES = [
    ["c1", "2026-11-20T09:15:30+08:00", "李明", "甲公司", None, ["上线"]],
    ["c2", "2026-11-20T02:20:00Z", "王芳", "乙公司", None, ["下线", "旧"]],
    ["c3", "yesterday", "张伟", "甲公司", None, ["上线"]],
    ["c4", "2026-11-20T09:15:30+08:00", "张伟", "甲公司", None, ["请假"]],
    ["c5"],
]


def test_technicians_changes_go_to_the_company_and_the_robot_once(cli, judge, tmp_path):
    file = tmp_path / "changes.json"
    file.write_text(json.dumps(CHANGES))
    names = {
        "CALLING_WECOM_ROBOTS": '{"default": "kd", "北京": "kb"}',
        "CALLING_WECOM_USERS": '{"甲公司": "ua", "丙": "uc"}',
    }
    code, document = cli("technicians", "--file", file, "--json", **names)
    assert (code, document["new_changes"], document["messages"]) == (0, 2, 3)
    assert document["companies_without_receiver"] == ["乙公司"]
    assert [bad["row"] for bad in document["bad_rows"]] == [3, 4, 5]
    assert sorted(judge.messages()) == [
        ("robot:kd", "🔴 王芳（乙公司）\n2026-11-20 10:20 下线"),
        ("robot:kd", "🟢 李明（甲公司）\n2026-11-20 09:15 上线"),
        ("user:ua", "🟢 李明（甲公司）\n2026-11-20 09:15 上线"),
    ]
    cli("technicians", "--file", file, **names)
    assert len(judge.messages()) == 3


def test_technicians_changes_come_from_metabase_and_can_be_noted_without_sending(cli, judge, simulator):
    http.post(f"{simulator.url}/metabase/_sim/rows", json=CHANGES[:2]).raise_for_status()
    names = {"CALLING_WECOM_ROBOTS": '{"default": "kd"}'}
    assert cli("technicians", "--note-only", "--json", **names)[1]["new_changes"] == 2
    assert cli("technicians", "--json", **names)[1]["new_changes"] == 0
    http.delete(f"{simulator.url}/metabase/_sim/rows").raise_for_status()
    assert judge.messages() == []


def test_the_technicians_old_send_status_is_taken_over(cli, judge, tmp_path):
    old, file = tmp_path / "old.json", tmp_path / "changes.json"
    old.write_text(json.dumps({"c1": "通知成功"}))
    file.write_text(json.dumps({"data": {"rows": CHANGES[:2]}}))
    assert cli("import-legacy", "--technicians", old, "--json")[1] == {"technicians": 2}
    names = {"CALLING_WECOM_ROBOTS": '{"default": "kd"}', "CALLING_WECOM_USERS": '{"default": "u"}'}
    assert cli("technicians", "--file", file, "--json", **names)[1]["new_changes"] == 1
    assert {text.split("\n")[0] for _, text in judge.messages()} == {"🔴 王芳（乙公司）"}


def test_runs_and_takeovers_are_in_the_audit_log_with_their_counts(cli, engine, tmp_path):
    path, old = write_ledger(tmp_path / "c.csv", [row(1), row(2, notified="Y")]), tmp_path / "old.json"
    old.write_text('{"c1": "发送成功"}', "utf-8")
    cli("import-legacy", "--ledger", path, "--technicians", old)
    cli("run", "--ledger", path)
    with engine.connect() as connection:
        noted = connection.execute(sa.text("SELECT act, subject, door, after FROM audit_log ORDER BY id")).all()
    assert [(one.act, one.subject.partition(":")[0], one.door) for one in noted] == [
        ("notify.import", "messages", "command line"),
        ("notify.import", "messages", "command line"),
        ("notify.run", "notify", "command line"),
        ("notify.end", "notify", "command line"),
    ]
    contracts, technicians, begun, ended = (one.after for one in noted)
    assert (contracts["delivered"], contracts["left_open"], technicians["delivered"]) == (1, 1, 2)
    assert (begun, ended["messages"], ended["delivered"], ended["state"]) == ({"ledgers": ["c.csv"]}, 1, 1, "completed")
