"""What a contract ledger holds: good rows and parked lines; and what was sent about a contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["send_wecom_message", "send_wechat_message"]
GROUP: Kind = "send_wecom_message"
AWARD: Kind = "send_wechat_message"


@dataclass(frozen=True)
class Contract:
    """One good row. Numbers stay the texts they are: they are shown, not calculated with."""

    line: int
    contract_id: str
    number: str
    housekeeper: str
    city: str
    provider: str
    platform_count: str
    personal_count: str
    accumulated_amount: str
    conversion: str
    award_active: bool
    award_type: str
    award_names: tuple[str, ...]
    notified: bool
    note: str

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The messages this row asks for."""
        return (GROUP, AWARD) if self.award_active else (GROUP,)


@dataclass(frozen=True)
class Parked:
    """A line that cannot be used, and why. `contract_id` where it could be read."""

    line: int
    reason: str
    contract_id: str | None = None


@dataclass(frozen=True)
class Sent:
    """What the table knows of one contract: kinds delivered, and whether any message of it is not."""

    delivered: frozenset[str]
    complete: bool

    def covers(self, contract: Contract) -> bool:
        """Whether every message the row asks for was delivered."""
        return self.complete and self.delivered.issuperset(contract.kinds)
