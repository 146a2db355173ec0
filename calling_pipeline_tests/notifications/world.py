"""A world for notification tests: ledgers on disk, a runtime at the simulator, the simulator's list as the judge."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from calling_pipeline.notifications.contracts.ledger_rows import COLUMNS
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.support import LIMIT_S, http

HEADER = (*COLUMNS[:5], "工单编号(serviceAppointmentNum)", *COLUMNS[5:], "登记时间")
ROBOTS = {"北京": "key-bj", "上海": "key-sh"}
USERS = {"北京": "boss-bj", "上海": "boss-sh"}


def row(number: int, *, notified="N", award="0", city="北京", **changes):
    """The values of one row, by column."""
    values = {
        "合同ID(_id)": f"id-{number}",
        "合同编号(contractdocNum)": f"YHWX-{city}-{number:05d}",
        "管家(serviceHousekeeper)": f"管家{number % 7}",
        "活动城市(province)": city,
        "服务商(orgName)": "某某工程",
        "工单编号(serviceAppointmentNum)": f"GD{number}",
        "活动期内第几个合同": str(number),
        "管家累计单数": str(number % 7),
        "管家累计金额": f"{number * 100}.0",
        "转化率(conversion)": "0.35",
        "激活奖励状态": award,
        "奖励类型": "节节高" if award == "1" else "",
        "奖励名称": "达标奖" if award == "1" else "",
        "是否发送通知": notified,
        "备注": "距离优秀奖还需 1,200 元",
        "登记时间": "2026-11-20 10:00:00",
    }
    return {**values, **changes}


def csv_bytes(rows, *, encoding="utf-8-sig", line_end="\r\n", header=HEADER):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, lineterminator=line_end, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def write_ledger(path: Path, rows, **options) -> Path:
    path.write_bytes(csv_bytes(rows, **options))
    return path


def statuses(path: Path, encoding="utf-8-sig"):
    """Contract id → 是否发送通知, by Python's own csv."""
    reader = csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline=""))
    return {line["合同ID(_id)"]: line["是否发送通知"] for line in reader}


class Judge:
    """The simulator's list of delivered messages."""

    def __init__(self, simulator):
        self._simulator = simulator
        self.reset()

    def reset(self):
        http.delete(f"{self._simulator.url}/wecom/_sim/messages").raise_for_status()
        http.delete(f"{self._simulator.url}/wecom/_sim/rules").raise_for_status()

    def rules(self, **rules):
        http.post(f"{self._simulator.url}/wecom/_sim/rules", json=rules).raise_for_status()

    def messages(self):
        return [(message["to"], message["content"]) for message in self._simulator.get("/wecom/_sim/messages")]

    def counted(self):
        return Counter(self.messages())


def notification_runtime(app_settings, simulator, **changes) -> Runtime:
    """A runtime whose WeCom is the simulator, without a rate limit of ours unless asked for."""
    values = {
        "wecom_base_url": f"{simulator.url}/wecom",
        "metabase_url": f"{simulator.url}/metabase",
        "wecom_robots": ROBOTS,
        "wecom_users": USERS,
        "wecom_robot_rate_per_minute": 0,
        "wecom_timeout_s": LIMIT_S,
    }
    return Runtime(app_settings.model_copy(update=values | changes))


def states(engine, table="contract_messages"):
    with engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT state, count(*) FROM {table} GROUP BY 1"))
        return {found[0]: found[1] for found in rows}
