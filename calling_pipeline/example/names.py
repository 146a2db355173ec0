"""What the example world is called, so that everybody sees what is example. A leaf: imports nothing of ours but settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calling_pipeline.settings import Role, Settings

BY = "calling-pipeline example"
"""Who made the example world, in the audit log."""
SCHEMA = "example"
TABLE = "work_orders"
TASK = "示例外呼"
LEDGER = "示例合同台账.csv"
ROBOT, CONTACT = "示例群", "示例联系人"
SOURCE = "示例名单"
"""The source of the example's do-not-call entries."""
HOLIDAY = "示例："
"""How the names of its holidays begin."""
TENANT = 900_001
CONFIG = "示例线路"
APP_ID = "example"
COLLECTORS, EXTENSIONS, CASES_EACH = 10, 20, 4
COLLECTOR_NAMES = ("张敏", "李强", "王丽", "赵磊", "陈静", "刘洋", "杨帆", "周婷", "吴浩", "孙悦")


@dataclass(frozen=True)
class ExamplePerson:
    """One person of the example, without a password: a login link lets them in."""

    name: str
    role: Role
    tenant_id: int | None = None
    collector_id: int | None = None


PEOPLE: Sequence[ExamplePerson] = (
    ExamplePerson("example-viewer", "viewer"),
    ExamplePerson("example-collector", "collector", TENANT, 1),
    ExamplePerson("example-operator", "operator"),
    ExamplePerson("example-admin", "admin"),
)


def folder_of(settings: Settings) -> Path:
    """Where the example keeps its files."""
    return settings.home / "example"


def ledger_of(settings: Settings) -> Path:
    """The example's contract ledger."""
    return folder_of(settings) / LEDGER


def simulated(settings: Settings) -> bool:
    """Whether every vendor is the simulator of this machine, so that nothing of the example reaches anybody."""
    return all(url.startswith(f"{settings.simulator_url}/") for url in settings.vendor_urls())
