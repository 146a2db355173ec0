"""What a contract ledger holds: contracts and parked lines; and what was sent about a contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from calling_pipeline.masking import mask_digits

Kind = Literal["send_wecom_message", "send_wechat_message"]
GROUP: Kind = "send_wecom_message"
AWARD: Kind = "send_wechat_message"
KIND_WORDS: dict[str, str] = {GROUP: "group message", AWARD: "award message"}
"""Kinds as people read them."""
RowState = Literal["yes", "waiting", "asked", "parked"]
"""What a ledger says of a contract: `Y`; `N`, and its messages are not all delivered; `N` where `Y` was, which a person has
to answer; or nothing that can be used."""
ROW_STATES: tuple[RowState, ...] = get_args(RowState)
Need = Literal["ledger", "receiver", "campaign"]


@dataclass(frozen=True)
class Contract:
    """One contract of a ledger, on one line or on several that agree.

    Numbers are the texts that are shown: they are not calculated with. `notified`: every line says `Y`; `said_yes`: at
    least one does. `unfit` says why no message can be made from it (a number that is none); empty when one can.
    """

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
    unfit: str = ""
    more_lines: tuple[int, ...] = ()
    said_yes: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The messages this row asks for."""
        return (GROUP, AWARD) if self.award_active else (GROUP,)

    @property
    def lines(self) -> tuple[int, ...]:
        """Every line it stands on."""
        return (self.line, *self.more_lines)


@dataclass(frozen=True)
class Parked:
    """A line that cannot be used, and why, numbers of phones masked. `contract_id` where it could be read."""

    line: int
    reason: str
    contract_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", mask_digits(self.reason))  # it is stored, logged and alerted

    @property
    def needs(self) -> Need:
        """What has to change before it goes on: the ledger, the settings' receivers, or the campaigns."""
        if self.reason.startswith(("no robot ", "no contact ")):
            return "receiver"
        return "campaign" if self.reason.startswith("no campaign ") else "ledger"

    @property
    def contradicts(self) -> bool:
        """Whether another line of its contract says something else."""
        return " which differ in " in self.reason or " disagree on " in self.reason


@dataclass(frozen=True)
class Sent:
    """What the table knows of one contract.

    `delivered`: the kinds that were. `complete`: every kind that has messages was, and none of them is open or held.
    `closed`: none is open or held, whether delivered or withdrawn.
    """

    delivered: frozenset[str]
    complete: bool
    closed: bool

    def covers(self, contract: Contract) -> bool:
        """Whether every message the row asks for was delivered."""
        return self.complete and self.delivered.issuperset(contract.kinds)


@dataclass(frozen=True)
class SentMessage:
    """One message about a contract. `edition` counts resends; `metadata` names the ledger it was made of, and the order."""

    id: int
    kind: str
    state: str
    edition: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """A person's order to send a contract's messages again.

    `editions`: kind → the edition to make, and the message that it sends again (None when there was none). `metadata` is
    kept with the messages.
    """

    editions: Mapping[str, tuple[int, int | None]]
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A contract whose 是否发送通知 a person set back from `Y` to `N`: is it to be sent again?

    `delivered`: kinds that were delivered before; empty when its messages were withdrawn or none was ever made by us.
    """

    csv_file: str
    contract_id: str
    line: int
    set_back_at: dt.datetime
    delivered: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The question, and the two answers."""
        return (
            f"contract {self.contract_id}: 是否发送通知 was set back to N on line {self.line};"
            f" `notify resend {self.contract_id} --why …` sends it again, `notify keep {self.contract_id}` writes Y back"
        )
