"""What one line of a contract ledger says: its values by column become a contract, or a reason why they cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from calling_pipeline.notifications.contracts import figures
from calling_pipeline.notifications.contracts.records import Contract

CONTRACT_ID = "合同ID(_id)"
NOTIFIED = "是否发送通知"
CITY = "活动城市(province)"
AWARD_ACTIVE = "激活奖励状态"
_PLATFORM, _PERSONAL, _AMOUNT, _RATE = "活动期内第几个合同", "管家累计单数", "管家累计金额", "转化率(conversion)"
COLUMNS = (
    CONTRACT_ID, "合同编号(contractdocNum)", "管家(serviceHousekeeper)", CITY, "服务商(orgName)", _PLATFORM,
    _PERSONAL, _AMOUNT, _RATE, AWARD_ACTIVE, "奖励类型", "奖励名称", NOTIFIED, "备注",
)  # fmt: skip
LONGEST_ID = 200
_AWARD_SEPARATOR = re.compile(r"[,，、;；]\s*")


def key_of_contract(text: str) -> str:
    """The id by which a contract is known: `id-1`, ` id-1 ` and its full-width form are one.

    The column `contract_id` of the messages is computed by the same rule.
    """
    return figures.plain(text)


def says_yes(values: Mapping[str, str]) -> bool:
    """Whether the line says that the contract was notified."""
    return values[NOTIFIED].upper() == "Y"


def problem_of(values: Mapping[str, str]) -> str | None:
    """Why a line cannot be used at all; None when it can."""
    if not values[CONTRACT_ID]:
        return f"{CONTRACT_ID} is empty"
    if values[NOTIFIED].upper() not in ("Y", "N"):
        return f"{NOTIFIED} is {values[NOTIFIED][:20]!r}; it must be Y or N"
    if values[AWARD_ACTIVE] not in ("", "0", "1", "0.0", "1.0"):
        return f"{AWARD_ACTIVE} is {values[AWARD_ACTIVE][:20]!r}; it must be 0 or 1"
    if any("\x00" in value for value in values.values()):
        return "holds a zero byte"
    too_long = len(values[CONTRACT_ID]) > LONGEST_ID
    return f"{CONTRACT_ID} is longer than {LONGEST_ID} characters" if too_long else None


def contract_of(line: int, values: Mapping[str, str]) -> Contract:
    """The contract as a line without a problem has it.

    Numbers are judged where a message may be made of them: a line that says `Y` stays as it is.
    """
    _, number, housekeeper, city, provider, platform, personal, amount, rate, active, kind, names, _, note = (
        values[column] for column in COLUMNS
    )
    notified = says_yes(values)
    shown, unfit = ((platform, personal, amount, rate), "") if notified else _shown(platform, personal, amount, rate)
    return Contract(
        line=line,
        contract_id=values[CONTRACT_ID],
        number=number,
        housekeeper=housekeeper,
        city=city,
        provider=provider,
        platform_count=shown[0],
        personal_count=shown[1],
        accumulated_amount=shown[2],
        conversion=shown[3],
        award_active=active in ("1", "1.0"),
        award_type=kind,
        award_names=tuple(name for name in _AWARD_SEPARATOR.split(names) if name),
        notified=notified,
        note=note,
        unfit=unfit,
        said_yes=notified,
    )


def with_figures(contract: Contract) -> Contract:
    """The contract with its numbers as they are shown, or `unfit` where one is none. Judging it again changes nothing."""
    shown, unfit = _shown(contract.platform_count, contract.personal_count, contract.accumulated_amount, contract.conversion)
    return replace(
        contract,
        platform_count=shown[0],
        personal_count=shown[1],
        accumulated_amount=shown[2],
        conversion=shown[3],
        unfit=unfit,
    )


def _shown(platform: str, personal: str, amount: str, rate: str) -> tuple[tuple[str, str, str, str], str]:
    """The numbers of a row as they are shown, and what is wrong with the first that is none."""
    shown = figures.count(platform), figures.count(personal), figures.amount(amount), figures.rate(rate)
    a, b, c, d = shown
    if a is not None and b is not None and c is not None and d is not None:
        return (a, b, c, d), ""
    texts = platform, personal, amount, rate
    place = shown.index(None)
    column, _, wanted = list(_FIGURES.values())[place]
    said = f"is {texts[place][:20]!r}" if texts[place] else "is empty"
    return texts, f"{column} {said}; it must be {wanted}"


def differences(one: Contract, other: Contract) -> list[str]:
    """The columns in which two lines of one contract contradict each other; 是否发送通知 is none of them."""
    return [column for field, column in _FIELDS.items() if _compared(one, field) != _compared(other, field)]


_FIGURES: Mapping[str, tuple[str, Callable[[str], str | None], str]] = {
    "platform_count": (_PLATFORM, figures.count, "a whole number"),
    "personal_count": (_PERSONAL, figures.count, "a whole number"),
    "accumulated_amount": (_AMOUNT, figures.amount, "an amount of yuan"),
    "conversion": (_RATE, figures.rate, "a rate from 0 to 100 %"),
}
_FIELDS: Mapping[str, str] = {
    "number": "合同编号(contractdocNum)",
    "housekeeper": "管家(serviceHousekeeper)",
    "city": CITY,
    "provider": "服务商(orgName)",
    **{field: column for field, (column, *_) in _FIGURES.items()},
    "award_active": AWARD_ACTIVE,
    "award_type": "奖励类型",
    "award_names": "奖励名称",
    "note": "备注",
}


def _compared(contract: Contract, field: str) -> object:
    """A value as it is compared: `１00.0` and `100` are one number, `0.35` and `35%` one rate."""
    value = getattr(contract, field)
    if not isinstance(value, str):
        return value
    judged = _FIGURES[field][1](value) if field in _FIGURES else None
    if judged is None:
        return figures.plain(value)
    return judged if field == "conversion" else Decimal(judged.replace(",", ""))
