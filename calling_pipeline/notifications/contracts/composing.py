"""The messages about a contract and their receivers: pure functions of the row, its campaign and the settings' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.notifications.config import Campaign, choose
from calling_pipeline.notifications.contracts.records import GROUP, Contract, Kind
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
        body, cut = render("group.j2", contract=contract, badge=badge, next_award=distance(contract.note))
        return Draft(f"robot:{_group(campaign, contract, names)}", kind, body, cut)
    body, cut = render("award.j2", contract=contract, badge=badge, awards=awards(contract, campaign))
    return Draft(f"user:{_contact(campaign, contract, names)}", kind, body, cut)


def awards(contract: Contract, campaign: Campaign) -> list[Award]:
    """The awards a row names, with the campaign's amounts; an elite housekeeper's may count double."""
    elite = campaign.elite
    doubled = bool(elite and contract.housekeeper in elite.housekeepers and contract.award_type == elite.doubles)
    return [Award(name, campaign.awards.get(name), doubled and name in campaign.awards) for name in contract.award_names]


def distance(note: str) -> str:
    """The distance to the next award, from 备注; `无` or an empty note means that no award is left."""
    if not note or note == NO_AWARD_LEFT:
        return "恭喜已经达成所有奖励，祝愿再接再厉，再创佳绩 🎉🎉🎉"
    return note


def _group(campaign: Campaign, contract: Contract, names: Names) -> str:
    return _known(
        campaign.group, choose(names.robots, contract.city), names.robots, contract, "robot", "CALLING_WECOM_ROBOTS"
    )


def _contact(campaign: Campaign, contract: Contract, names: Names) -> str:
    return _known(
        campaign.contact, choose(names.users, contract.city), names.users, contract, "contact", "CALLING_WECOM_USERS"
    )


def _known(
    named: str | None, otherwise: str | None, known: Mapping[str, str], contract: Contract, what: str, setting: str
) -> str:
    name = named or otherwise
    if name is None or name not in known:
        wanted = f"called {named}" if named else f"for {contract.city or 'a row without a city'}"
        raise ConfigurationError(f"no {what} {wanted}; set {setting}")
    return name
