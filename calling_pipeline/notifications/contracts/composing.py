"""The messages about a contract and their receivers: pure functions of the row, its campaign and the settings' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.notifications.config import Campaign, choose
from calling_pipeline.notifications.contracts.records import AWARD, GROUP, Contract, Kind
from calling_pipeline.notifications.outbox.records import Draft
from calling_pipeline.notifications.rendering import render

NO_AWARD_LEFT = "无"


@dataclass(frozen=True)
class Award:
    """One award reached: yuan, None when the campaign names no amount; doubled for elite housekeepers."""

    name: str
    amount: int | None
    doubled: bool

    @property
    def total(self) -> int:
        """Yuan after doubling."""
        return (self.amount or 0) * (2 if self.doubled else 1)


@dataclass(frozen=True)
class Names:
    """The receivers that the settings know: robots by group, users by contact. Only their names are used here."""

    robots: Mapping[str, str]
    users: Mapping[str, str]


def compose(contract: Contract, campaign: Campaign, kind: Kind, names: Names) -> Draft:
    """The message of one kind about one contract. Raises `ConfigurationError` when nobody is configured to receive it."""
    badge = campaign.elite.badge if campaign.elite and contract.housekeeper in campaign.elite.housekeepers else ""
    if kind == GROUP:
        conversion, next_award = percent(contract.conversion), distance(contract.note)
        body, cut = render("group.j2", contract=contract, badge=badge, conversion=conversion, next_award=next_award)
        return Draft(f"robot:{_group(campaign, contract, names)}", kind, body, cut)
    body, cut = render("award.j2", contract=contract, badge=badge, awards=awards(contract, campaign))
    return Draft(f"user:{_contact(campaign, contract, names)}", kind, body, cut)


def awards(contract: Contract, campaign: Campaign) -> list[Award]:
    """The awards a row names, with the campaign's amounts; an elite housekeeper's may count double."""
    elite = campaign.elite
    doubled = bool(elite and contract.housekeeper in elite.housekeepers and contract.award_type == elite.doubles)
    return [Award(name, campaign.awards.get(name), doubled and name in campaign.awards) for name in contract.award_names]


def percent(text: str) -> str:
    """A conversion rate as people read it: `0.354` → `35%`; `35%` stays; an empty one is `-`."""
    if not text or text.endswith("%"):
        return text or "-"
    try:
        number = Decimal(text)
        return f"{number * 100:.0f}%" if number.is_finite() and abs(number) <= 1 else text
    except InvalidOperation:
        return text


def distance(note: str) -> str:
    """The distance to the next award, from 备注; `无` or an empty note means that no award is left."""
    if not note or note == NO_AWARD_LEFT:
        return "恭喜已经达成所有奖励，祝愿再接再厉，再创佳绩 🎉🎉🎉"
    return note


def _group(campaign: Campaign, contract: Contract, names: Names) -> str:
    return _known(campaign.group, choose(names.robots, contract.city), names.robots, contract, "CALLING_WECOM_ROBOTS", GROUP)


def _contact(campaign: Campaign, contract: Contract, names: Names) -> str:
    return _known(campaign.contact, choose(names.users, contract.city), names.users, contract, "CALLING_WECOM_USERS", AWARD)


def _known(
    named: str | None, otherwise: str | None, known: Mapping[str, str], contract: Contract, setting: str, kind: Kind
) -> str:
    name = named or otherwise
    if name is None or name not in known:
        wanted = named or contract.city or "default"
        raise ConfigurationError(
            f"nobody receives {kind} of {contract.city or 'a row without a city'}: add {wanted} to {setting}"
        )
    return name
